"""The reference run by Downbeat gives each tracker the keys, steps and values that HuggingFace's own callback gave it in
the run of clients/hf_reference_logs.py. Each difference that is allowed stands here with its reason."""
import glob
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = ["tests/integrations/clients", "tests/integrations/support"]

import check_mlflow
import check_tensorboard
import check_wandb

PROGRAM = os.path.abspath(sys.argv[1])
REFERENCE = os.path.abspath("tests/integrations/clients/hf_reference")

FLAGS = ("--output_dir=run --run_name=hf-reference --num_train_epochs=2 --per_device_train_batch_size=8 "
         "--per_device_eval_batch_size=8 --learning_rate=0.05 --weight_decay=0.01 --logging_steps=4 --eval_strategy=steps "
         "--eval_steps=8 --save_strategy=steps --save_steps=8 --save_total_limit=2 --seed=42 --use_cpu --optim=adamw_torch "
         "--disable_tqdm --train_sampling_strategy=sequential --trace=trace.jsonl").split()

CLOCK = ("runtime", "per_second")  # differ from run to run

# Parameters that HuggingFace's run has otherwise or alone.
PARAMETERS = {
    "output_dir": "the reference's is an absolute path",
    "report_to": "the reference reports to several trackers at once",
    "train_sampling_strategy": "the reference replaces the sampler instead",
    "dataloader_pin_memory": "the reference turns it off; Downbeat has no pinned memory",
    "total_flos": "Downbeat does not estimate them",
}
OF_TEXTS = {"num_train_epochs": "an int in the reference, hence 2 there and 2.0 here"}  # where parameters are texts


def is_clock(name):
    return any(word in name for word in CLOCK)


def reference(name):
    with open(os.path.join(REFERENCE, name), encoding="utf-8") as file:
        return json.load(file)


class ReferenceTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def run_reference(self, *flags, **env):
        result = subprocess.run([PROGRAM, *FLAGS, *flags], cwd=self.directory, capture_output=True, text=True, check=False,
                                env={**os.environ, **env, "BUILD_WORKING_DIRECTORY": self.directory})
        self.assertEqual(result.returncode, 0, result.stderr)

    def compare_metrics(self, found, expected):
        self.assertEqual(sorted(found), sorted(expected))
        for name, points in expected.items():
            with self.subTest(metric=name):
                self.assertEqual([step for step, _ in found[name]], [step for step, _ in points])
                if is_clock(name):
                    continue
                for (step, value), (_, wanted) in zip(found[name], points):
                    self.assertTrue(math.isclose(value, wanted, rel_tol=1e-5, abs_tol=1e-8), f"{step}: {value}, {wanted}")

    def compare_parameters(self, found, expected, differences=PARAMETERS):
        shared = [name for name in expected if name in found and name not in differences]
        self.assertGreater(len(shared), 40)
        self.assertEqual({name: found[name] for name in shared}, {name: expected[name] for name in shared})

    def test_tensorboard(self):
        self.run_reference("--report_to=tensorboard")
        found = check_tensorboard.read(os.path.join(self.directory, "run", "runs"))
        expected = reference("tensorboard.json")
        self.compare_metrics(found["metrics"], expected["metrics"])
        self.compare_parameters(found["params"], expected["params"])
        self.assertEqual({"args", "model_config"}, set(found["texts"]))

    def test_mlflow(self):
        self.run_reference("--report_to=mlflow")
        found = check_mlflow.read(os.path.join(self.directory, "mlflow.db"))
        expected = reference("mlflow.json")
        self.compare_metrics(found["metrics"], expected["metrics"])
        self.compare_parameters(found["params"], expected["params"], PARAMETERS | OF_TEXTS)
        self.assertEqual((found["run_name"], found["status"]), (expected["run_name"], expected["status"]))

    def wandb_run(self, **env):
        self.run_reference("--report_to=wandb", WANDB_MODE="offline", **env)
        (path,) = glob.glob(os.path.join(self.directory, "wandb", "offline-run-*", "*.wandb"))
        return path

    def test_wandb(self):
        found = check_wandb.read(self.wandb_run())
        expected = reference("wandb.json")
        self.compare_metrics(found["metrics"], expected["metrics"])
        self.compare_parameters(found["params"], expected["params"])
        self.assertEqual(sorted(found["texts"]), sorted(expected["texts"]), "the summary")
        self.assertEqual([sorted(row) for row in found["rows"]], [sorted(row) for row in expected["rows"]])

    def test_artifacts_of_wandb(self):
        code, output, service, _ = check_wandb.sync(self.wandb_run(WANDB_LOG_MODEL="checkpoint"))
        self.assertEqual(code, 0, output)

        def comparable(artifact):
            return {"name": artifact["name"], "type": artifact["type"], "aliases": sorted(artifact["aliases"]),
                    "metadata": sorted(artifact["metadata"])}

        self.assertEqual([comparable(artifact) for artifact in service["artifacts"].values()],
                         [comparable(artifact) for artifact in reference("wandb_log_model.json")["artifacts"]])


if __name__ == "__main__":
    sys.argv[1:] = []
    unittest.main(verbosity=2)
