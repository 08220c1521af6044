"""What trackers cost the thread that trains.

1. One on_log with ten numbers, for each tracker and all six together, beside the official clients.
2. A training that logs every step, with steps of 1 to 2 ms: all six against none. What is left to write at the end of
   the run is timed apart."""
import http.server
import os
import tempfile
import threading

from benchmarks.support import machine, runner

HERE = os.path.dirname(os.path.abspath(__file__))
TRACKERS = ("tensorboard", "wandb", "comet_ml", "mlflow", "azure_ml", "codecarbon")
CLIENTS = {"SummaryWriter.add_scalar and flush": ("tensorboard", 1), "wandb.log": ("wandb", 1),
           "mlflow.log_metric": ("mlflow", 50)}  # so many times fewer lines


class Workspace(http.server.BaseHTTPRequestHandler):
    """Takes whatever AzureMLCallback sends: what is measured is the training, not the service."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one packet

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def serve_workspace():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Workspace)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_port}"


def environment(workspace):
    """Every tracker writes to its local default, but AzureML, which has none. torch.utils.tensorboard needs torch, which
    lies in the environment of LibTorch."""
    lib = os.path.join(machine.ROOT, ".venv", "lib")
    torch = [os.path.join(lib, version, "site-packages") for version in os.listdir(lib)] if os.path.isdir(lib) else []
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("WANDB_", "COMET_", "MLFLOW_", "AZUREML_", "CODECARBON_"))}
    return {**clean, "PYTHONPATH": os.pathsep.join(torch), "WANDB_MODE": "offline",
            "AZUREML_SERVICE_ENDPOINT": f"https://{workspace}", "AZUREML_ARM_SUBSCRIPTION": "s",
            "AZUREML_ARM_RESOURCEGROUP": "g", "AZUREML_ARM_WORKSPACE_NAME": "w", "AZUREML_RUN_ID": "r",
            "AZUREML_RUN_TOKEN": "t"}


def side(command, env, quantities):
    """Runs `command` in an empty directory, whose name takes the place of DIR: the numbers of its last line."""
    def measure():
        with tempfile.TemporaryDirectory() as directory:
            words = [word.replace("DIR", directory) for word in command]
            said = runner.output_of(words, cwd=directory, env={**env, "BUILD_WORKING_DIRECTORY": directory})
        numbers = map(float, said.splitlines()[-1].split())
        return {name: number * scale for (name, scale), number in zip(quantities, numbers)}
    return measure


def measure_lines(bench, lines, env):
    program = os.path.join(HERE, "one_tracker")
    quantities = (("µs at the median", 1e-3), ("µs at the 99th percentile", 1e-3), ("the end, s", 1))
    sides = {"all six": side([program, ",".join(TRACKERS), "DIR", str(lines)], env, quantities)}
    for tracker in (*TRACKERS, "none"):
        sides[tracker] = side([program, tracker, "DIR", str(lines)], env, quantities)
    python = machine.environment_of(".venv-trackers")
    if not python:
        bench.missing(" and ".join(CLIENTS), "tests/integrations/clients/setup.sh installs them")
    for name, (client, fewer) in CLIENTS.items() if python else ():
        sides[name] = side([python, os.path.join(HERE, "one_client.py"), client, "DIR", str(max(lines // fewer, 20))],
                           env, quantities)
    bench.case("one on_log with ten numbers", sides, base="all six", unit="µs at the median", spread=0.25)


class Trainings:
    """Rounds of the trainings of one_run, which takes its sides in turn within one process: {side: ms a step}."""

    def __init__(self, steps, env):
        self.steps, self.env = steps, env
        self.rounds, self.ends = [], []

    def __call__(self):
        while not self.rounds:
            self.train()
        return dict(zip(("none", "none, again", "all six"), self.rounds.pop()))

    def train(self):
        with tempfile.TemporaryDirectory() as directory:
            command = [os.path.join(HERE, "one_run"), f"--output_dir={directory}/out", f"--max_steps={self.steps}",
                       "--logging_steps=1", "--save_strategy=no", "--disable_tqdm", "--log_level=error",
                       f"--report_to={','.join(TRACKERS)}"]
            said = runner.output_of(command, cwd=directory, env={**self.env, "BUILD_WORKING_DIRECTORY": directory})
        lines = [[float(word) for word in line.split()] for line in said.splitlines() if line[:1].isdigit()]
        self.rounds += [line for line in lines if len(line) == 3]
        self.ends += [line[0] for line in lines if len(line) == 1]


def measure_runs(bench, steps, env):
    trainings = Trainings(steps, env)
    bench.case_together("a training that logs every step, ms a step", trainings, base="none", unit="ms a step",
                        repetitions=20 * bench.repetitions, spread=0.02)
    bench.note(f"What is left to write at the end of such a training took {max(trainings.ends):.2f} s at most.")


def main():
    parser = runner.parser_of(__doc__, smoke="once and short: that it runs")
    parser.add_argument("--only", choices=("lines", "trainings"), help="one of the two")
    options = parser.parse_args()
    bench = runner.Benchmark("logging", "What trackers cost the thread that trains", options.smoke, options.repetitions)
    bench.expect(options.repetitions * 50)
    env = environment(serve_workspace())
    if options.only != "trainings":
        measure_lines(bench, 100 if options.smoke else 5000, env)
    if options.only != "lines":
        measure_runs(bench, 1500 if options.smoke else 36000, env)
    bench.finish()


main()
