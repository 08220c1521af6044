"""peers.py LIBRARY: what one event costs eight callbacks of a Python trainer: {"ns heard": ..., "ns unheard": ...}.

Heard: each callback adds a number that the event hands it to a sum. Unheard: the callbacks have hooks for other events
only. The call is what the library's own loop makes at each step. LIBRARY: huggingface, lightning, keras or ignite."""
import json
import logging
import statistics
import sys
import time

COUNT, EVENTS, BATCHES = 8, 2000, 25


def nanoseconds_an_event(call):
    """Of processor time, as the rivals in C++: the median of batches, of which the first one only warms up."""
    batches = []
    for _ in range(BATCHES + 1):
        begin = time.process_time_ns()
        for _ in range(EVENTS):
            call()
        batches.append((time.process_time_ns() - begin) / EVENTS)
    return statistics.median(batches[1:])


def huggingface():
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
    from transformers.trainer_callback import CallbackHandler

    class Heard(TrainerCallback):
        sum = 0

        def on_step_end(self, args, state, control, **kwargs):
            self.sum += state.global_step

    class Unheard(TrainerCallback):
        sum = 0

        def on_push_begin(self, args, state, control, **kwargs):
            self.sum += 1

    args = TrainingArguments(output_dir="unused", report_to="none")
    state, control = TrainerState(global_step=1), TrainerControl()

    def prepared(kind):
        handler = CallbackHandler([kind() for _ in range(COUNT)], None, None, None, None)
        return handler.callbacks, lambda: handler.call_event("on_step_end", args, state, control)

    return prepared(Heard), prepared(Unheard)


def lightning():
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.trainer.call import _call_callback_hooks

    class Heard(Callback):
        sum = 0

        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            self.sum += batch_idx

    class Unheard(Callback):
        sum = 0

        def on_sanity_check_end(self, trainer, module):
            self.sum += 1

    def prepared(kind):
        callbacks = [kind() for _ in range(COUNT)]
        trainer = Trainer(accelerator="cpu", callbacks=callbacks, logger=False, enable_checkpointing=False,
                          enable_model_summary=False, enable_progress_bar=False)
        trainer.strategy.connect(LightningModule())
        return trainer.callbacks, lambda: _call_callback_hooks(trainer, "on_train_batch_end", None, None, 1)

    return prepared(Heard), prepared(Unheard)


def keras():
    from keras.callbacks import Callback, CallbackList

    class Heard(Callback):
        sum = 0

        def on_train_batch_end(self, batch, logs=None):
            self.sum += batch

    class Unheard(Callback):
        sum = 0

        def on_epoch_end(self, epoch, logs=None):
            self.sum += 1

    def prepared(kind):
        handler = CallbackList([kind() for _ in range(COUNT)])
        handler._async_train = False  # in its favour: a thread would be handed what nobody hears
        return handler.callbacks, lambda: handler.on_train_batch_end(1)

    return prepared(Heard), prepared(Unheard)


def ignite():
    from ignite.engine import Engine, Events

    class Counter:
        sum = 0

        def __call__(self, engine):
            self.sum += engine.state.iteration

    def prepared(event):
        engine = Engine(lambda engine, batch: None)
        engine.state.iteration = 1
        counters = [Counter() for _ in range(COUNT)]
        for counter in counters:
            engine.add_event_handler(event, counter)
        return counters, lambda: engine.fire_event(Events.ITERATION_COMPLETED)

    return prepared(Events.ITERATION_COMPLETED), prepared(Events.EPOCH_COMPLETED)


def main():
    logging.disable(logging.WARNING)
    libraries = {library.__name__: library for library in (huggingface, lightning, keras, ignite)}
    measured = {}
    for kind, (callbacks, call) in zip(("heard", "unheard"), libraries[sys.argv[1]]()):
        measured[f"ns {kind}"] = nanoseconds_an_event(call)
        expected = (BATCHES + 1) * EVENTS if kind == "heard" else 0
        if [callback.sum for callback in callbacks] != [expected] * COUNT:
            sys.exit(f"{sys.argv[1]}: a callback was not called at each event")
    print(json.dumps(measured))


main()
