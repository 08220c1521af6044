"""One process of the logging benchmark: ten numbers given to an official client, as one_tracker.cc gives them to Downbeat.

one_client.py CLIENT OUTPUT_DIR LINES         CLIENT: tensorboard, wandb or mlflow
Prints the nanoseconds of ten numbers at the median and at the 99th percentile, and the seconds to close."""
import sys
import time

NAMES = ("loss", "grad_norm", "learning_rate", "epoch", "tokens_per_second", "accuracy", "perplexity", "entropy",
         "value_loss", "policy_loss")


def tensorboard(directory):
    from torch.utils.tensorboard import SummaryWriter  # HuggingFace's callback calls it so

    writer = SummaryWriter(directory)

    def log(line):
        for name in NAMES:
            writer.add_scalar("train/" + name, 1 / (line + 1), line)
        writer.flush()

    return log, writer.close


def wandb(directory):
    import wandb as client

    run = client.init(project="benchmark", dir=directory, mode="offline", settings=client.Settings(silent=True))
    return lambda line: client.log({"train/" + name: 1 / (line + 1) for name in NAMES}), run.finish


def mlflow(directory):
    import mlflow as client  # into the file mlflow.db, its default

    client.set_tracking_uri(f"sqlite:///{directory}/mlflow.db")
    client.start_run()

    def log(line):
        for name in NAMES:
            client.log_metric(name, 1 / (line + 1), step=line)

    return log, client.end_run


def main():
    client, directory, lines = sys.argv[1], sys.argv[2], int(sys.argv[3])
    log, close = {"tensorboard": tensorboard, "wandb": wandb, "mlflow": mlflow}[client](directory)
    times = []
    for line in range(lines):
        wait = time.perf_counter_ns() + 100_000
        while time.perf_counter_ns() < wait:
            pass
        start = time.perf_counter_ns()
        log(line)
        times.append(time.perf_counter_ns() - start)
    end = time.perf_counter()
    close()
    times.sort()
    print(times[lines // 2], times[lines * 99 // 100], time.perf_counter() - end)


main()
