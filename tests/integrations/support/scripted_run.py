"""The other end of scripted_run.h: a program with real callbacks, conducted event by event.

    with ScriptedRun(program, args={"output_dir": "out"}, cwd=directory, env={"WANDB_MODE": "offline"}) as run:
        run.begin()
        run.log(4, {"loss": 0.5})
        run.end()
    assert run.warnings == []
"""
import json
import os
import subprocess
import tempfile


class ScriptedRun:
    def __init__(self, program, args=None, model=None, cwd=None, env=None, unset=("WANDB_", "COMET_", "MLFLOW_", "AZUREML_", "CODECARBON_")):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(tuple(unset))}
        self._errors = tempfile.TemporaryFile()
        self.args, self.model = args or {}, model
        self.process = subprocess.Popen([os.path.abspath(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self._errors, text=True, cwd=cwd, env={**clean, **(env or {})})

    def tell(self, event, **fields):
        """Fires one event; raises RuntimeError with the sentence when a callback throws."""
        self.process.stdin.write(json.dumps({"event": event, **fields}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if answer != "ok":
            raise RuntimeError(answer.removeprefix("error: ") or f"the program ended: {self.text()}")

    def begin(self, step=0, epoch=0.0, max_steps=16):
        self.tell("init_end", args=self.args, **({"model": self.model} if self.model else {}))
        self.tell("train_begin", step=step, epoch=epoch, max_steps=max_steps)

    def log(self, step, logs, epoch=None, times=1):
        """`times` lines, each one step after the one before."""
        self.tell("log", step=step, epoch=step / 8 if epoch is None else epoch, logs=logs, times=times)

    def predict(self, metrics):
        self.tell("predict", metrics=metrics)

    def save(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.tell("save", directory=str(directory))

    def end(self, how="completed"):
        self.tell("train_end", how=how)

    def close(self):
        """Lets the program end by itself; its exit code."""
        self.process.stdin.close()
        code = self.process.wait(timeout=180)
        self._close_files()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._close_files()

    def text(self):
        """All that the program said on standard error."""
        if not self._errors.closed:  # without moving the place in the file, which is the program's too
            file = self._errors.fileno()
            self._text = os.pread(file, os.fstat(file).st_size, 0).decode("utf-8", "replace")
        return self._text

    def _close_files(self):
        self.text()
        for file in (self.process.stdin, self.process.stdout, self._errors):
            file.close()

    @property
    def warnings(self):
        return [line for line in self.text().splitlines() if line.startswith("downbeat: warning: ")]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.close() if kind is None else self.kill()
        assert kind is not None or code == 0, f"exit code {code}: {self.text()}"
