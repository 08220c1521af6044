"""What CodeCarbonCallback writes, read, continued and compared by the installed codecarbon."""
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

for folder in ("clients", "support"):
    sys.path.insert(0, os.path.abspath(f"tests/integrations/{folder}"))

import check_codecarbon
from scripted_run import ScriptedRun
from situations import small_disk, wait_for

CHECK = os.path.abspath("tests/integrations/clients/check_codecarbon.py")
REFERENCE = os.path.abspath("tests/integrations/clients/hf_reference")
FAKE_NVML = os.path.abspath("tests/integrations/codecarbon/libfake_nvml.so")
JOULE = 2.77778e-7  # kWh


def burn(seconds):
    """Training that takes a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class CodeCarbonTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = os.path.join(self.folder, "run", "emissions.csv")

    def run_with(self, args=None, **env):
        """A run in the test's folder; in France unless `env` says something else."""
        settings = {"HOME": self.folder, "CODECARBON_COUNTRY_ISO_CODE": "FRA", **env}
        settings = {name: value for name, value in settings.items() if value is not None}
        return ScriptedRun(PROGRAM, args={"output_dir": "run", **(args or {})}, cwd=self.folder, env=settings)

    def whole_run(self, **env):
        """The row of a run of no steps, and what it said."""
        run = self.run_with(**env)
        run.begin()
        run.end()
        self.assertEqual(run.close(), 0)
        return (rows(self.path)[-1] if os.path.exists(self.path) else None), run.warnings

    def wait_for_energy(self, run):
        """With on_csv_write=update: until a checkpoint's row has some."""
        def has_some():
            run.save(os.path.join(self.folder, "checkpoint"))
            return os.path.exists(self.path) and any(float(row["cpu_energy"]) for row in rows(self.path))
        wait_for(has_some, "a row with energy")

    def run_with_energy(self, **env):
        with self.run_with(CODECARBON_ON_CSV_WRITE="update", **env) as run:
            run.begin()
            self.wait_for_energy(run)
            run.end()
        (row,) = rows(self.path)
        return row, run.warnings

    def check(self, *options):
        result = subprocess.run([sys.executable, CHECK, self.path, *options], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


class Format(CodeCarbonTest):
    def test_the_client_accepts_a_row_and_appends_to_it(self):
        _, warnings = self.whole_run()
        self.assertEqual(warnings, [])
        expected = os.path.join(self.folder, "expected.json")
        with open(expected, "w") as file:
            json.dump({"intensity": 56.039, "params": {"country_name": "France", "project_name": "codecarbon", "pue": 1, "wue": 0}}, file)
        self.check("--expect", expected)
        self.check()

    def test_a_process_is_measured_alone(self):
        row, _ = self.run_with_energy(CODECARBON_TRACKING_MODE="process")  # its energy is of its own time on the processor
        self.assertEqual(row["tracking_mode"], "process")
        self.check()

    def test_pue_and_wue_count(self):
        row, _ = self.run_with_energy(CODECARBON_PUE="2", CODECARBON_WUE="1.5", CODECARBON_FORCE_RAM_POWER="10")
        self.assertEqual(float(row["ram_power"]), 20)  # as the client: also the power
        self.assertEqual(float(row["water_consumed"]), 1.5 * float(row["energy_consumed"]))
        self.check()

    def test_names_that_need_quotes(self):
        for name in ("a,b", 'say "x"', "two\nlines", "größe/µ 100%;#", "x" * 10_000, " padded "):
            row, warnings = self.whole_run(CODECARBON_PROJECT_NAME=name)
            self.assertEqual((row["project_name"], warnings), (name, []))
        self.assertEqual(len(rows(self.path)), 6)
        self.check()

    def test_a_cloud_region(self):
        row, warnings = self.run_with_energy(CODECARBON_CLOUD_PROVIDER="gcp", CODECARBON_CLOUD_REGION="europe-west9")
        self.assertEqual(warnings, [])
        self.assertEqual([row[k] for k in ("on_cloud", "cloud_provider", "cloud_region", "country_iso_code")], ["Y", "gcp", "europe-west9", "FRA"])
        self.assertAlmostEqual(float(row["emissions"]) / float(row["energy_consumed"]), 0.034, places=9)
        self.check()

    def test_the_columns_of_huggingfaces_run(self):
        with open(os.path.join(REFERENCE, "codecarbon.json")) as file:
            reference = json.load(file)["params"]
        with open(os.path.join(REFERENCE, "args.json")) as file:
            args = json.load(file)["args"]
        with open(os.path.join(REFERENCE, "log_history.json")) as file:
            history = json.load(file)["history"]
        # That run had no network, and took Canada and Quebec: here they must be said.
        where = {"CODECARBON_COUNTRY_ISO_CODE": "CAN", "CODECARBON_REGION": "quebec", "CODECARBON_ON_CSV_WRITE": "update"}
        known = {name: args[name] for name in ("learning_rate", "weight_decay", "num_train_epochs", "per_device_train_batch_size")}
        with self.run_with(args=known, **where) as run:
            run.begin()
            for entry in history:
                run.log(entry["step"], {name: value for name, value in entry.items() if name not in ("step", "epoch")}, entry["epoch"])
            self.wait_for_energy(run)
            run.end()
        row = check_codecarbon.read(self.path)["params"]
        self.assertEqual(list(row), list(reference))
        different = {
            **dict.fromkeys(("timestamp", "run_id", "duration"), "of each run"),
            **dict.fromkeys(("cpu_power", "ram_power", "cpu_energy", "ram_energy", "energy_consumed", "emissions", "emissions_rate",
                             "cpu_utilization_percent", "ram_utilization_percent", "ram_used_gb"), "measured"),
            **dict.fromkeys(("os", "cpu_count", "cpu_model", "ram_total_size"), "of each machine; compared side by side below"),
            "python_version": "there is no Python: empty",
            "codecarbon_version": "names Downbeat too",
            **dict.fromkeys(("longitude", "latitude"), "the client's place for want of a network; here empty, as in its offline tracker"),
        }
        for name, value in reference.items():
            if name in different:
                continue
            numbers = check_codecarbon._common.num(row[name]), check_codecarbon._common.num(value)
            self.assertTrue(row[name] == value or (None not in numbers and numbers[0] == numbers[1]), f"{name}: {row[name]!r}, HuggingFace {value!r}")
        for name in ("python_version", "longitude", "latitude"):
            self.assertEqual(row[name], "")
        self.assertTrue(row["codecarbon_version"].startswith(reference["codecarbon_version"] + "+downbeat."))
        intensity = float(row["emissions"]) / float(row["energy_consumed"])
        self.assertAlmostEqual(intensity, float(reference["emissions"]) / float(reference["energy_consumed"]), places=12)


class SideBySide(CodeCarbonTest):
    """The real tracker measures around the run. Every processor is kept busy, so that both see one load, whatever else runs."""

    def setUp(self):
        super().setUp()
        for _ in range(os.cpu_count()):
            busy = subprocess.Popen([sys.executable, "-c", "import os\nos.nice(19)\nwhile True: pass"])
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)

    def compare(self, seconds, *options):
        self.check("--side-by-side", f"{sys.executable} {os.path.abspath(__file__)} {PROGRAM} --drive {self.folder} {seconds}", "--country", "FRA", *options)

    def test_estimated(self):
        self.compare(5, "--interval", "1")

    def test_forced(self):
        # Of the energy the real tracker misses a part of an interval at its end, the more of it the busier the machine.
        self.compare(15, "--interval", "0.5", "--force-cpu-power", "40", "--force-ram-power", "10", "--intensity", "475",
                     "--rel-power", "0.01", "--rel-energy", "0.1")


class Counters(CodeCarbonTest):
    def measured(self, change, **env):
        """The row of a run in which `change` happens between two measurements."""
        with self.run_with(CODECARBON_ON_CSV_WRITE="update", **env) as run:
            run.begin()
            run.save(os.path.join(self.folder, "checkpoint"))
            wait_for(lambda: os.path.exists(self.path) and rows(self.path), "a row")  # the counters were read
            change()
            burn(0.1)  # a last measurement is made where the one before is 50 ms old
            run.end()
        self.check()
        (row,) = rows(self.path)
        return row

    def test_the_processors_counters(self):
        domain = os.path.join(self.folder, "powercap", "intel-rapl:0")
        os.makedirs(domain)
        def put(name, text):
            with open(os.path.join(domain, name), "w") as file:
                file.write(f"{text}\n")
        put("name", "package-0")
        put("max_energy_range_uj", 10**10)
        put("energy_uj", 10**10 - 10**9)
        row = self.measured(lambda: put("energy_uj", 26 * 10**8), TEST_POWERCAP=os.path.dirname(domain))
        self.assertAlmostEqual(float(row["cpu_energy"]), 3600 * JOULE, places=12)

    def test_a_forced_power_wins_over_the_processors_counters(self):
        domain = os.path.join(self.folder, "powercap", "intel-rapl:0")
        os.makedirs(domain)
        for name, text in (("name", "package-0"), ("energy_uj", "5")):
            with open(os.path.join(domain, name), "w") as file:
                file.write(text)
        row, _ = self.whole_run(TEST_POWERCAP=os.path.dirname(domain), CODECARBON_FORCE_CPU_POWER="50")
        self.assertGreaterEqual(float(row["cpu_power"]), 5)

    def test_the_gpus_counters(self):
        state = os.path.join(self.folder, "gpus")
        def put(*energies):
            with open(state, "w") as file:
                file.writelines(f"GPU-{i} {energy} 100000 80 NVIDIA H200\n" for i, energy in enumerate(energies))
        put(1000, 1000)
        row = self.measured(lambda: put(3_601_000, 7_201_000), TEST_NVML=FAKE_NVML, FAKE_NVML=state)
        self.assertEqual((row["gpu_count"], row["gpu_model"]), ("2", "2 x NVIDIA H200"))
        self.assertAlmostEqual(float(row["gpu_energy"]), (3600 + 7200) * JOULE, places=12)

    def test_only_the_visible_gpu_and_its_load(self):
        state = os.path.join(self.folder, "gpus")
        with open(state, "w") as file:
            file.write("GPU-0 0 100000 80 A\nGPU-1 0 100000 40 A\n")
        with self.run_with(CODECARBON_ON_CSV_WRITE="update", TEST_NVML=FAKE_NVML, FAKE_NVML=state, CUDA_VISIBLE_DEVICES="1") as run:
            run.begin()
            def loaded():  # the first sample comes after a second
                run.save(os.path.join(self.folder, "checkpoint"))
                return os.path.exists(self.path) and any(float(row["gpu_utilization_percent"]) for row in rows(self.path))
            wait_for(loaded, "the load")
            run.end()
        (row,) = rows(self.path)
        self.assertEqual(float(row["gpu_utilization_percent"]), 40)
        self.assertGreater(float(row["ram_utilization_percent"]), 0)
        self.assertGreater(float(row["ram_used_gb"]), 0)


class Configuration(CodeCarbonTest):
    def test_as_the_client_reads_it(self):
        with open(os.path.join(self.folder, ".codecarbon.config"), "w") as file:  # HOME, and the current directory
            file.write("# mine\n[codecarbon]\nproject_name = from file\nExperiment_Id: abc\nwue = 1.25\nregion=nowhere\n")
        env = {"CODECARBON_PROJECT_NAME": "from environment", "codecarbon_pue": "1.5"}
        script = "import json; from codecarbon.core.config import get_hierarchical_config as g; print(json.dumps(g()))"
        clean = {k: v for k, v in os.environ.items() if not k.lower().startswith("codecarbon_")}
        real = json.loads(subprocess.run([sys.executable, "-c", script], cwd=self.folder, env={**clean, "HOME": self.folder, **env},
                                         capture_output=True, text=True, check=True).stdout.splitlines()[-1])
        row, _ = self.whole_run(**env)
        self.assertEqual(row["project_name"], real["project_name"])
        self.assertEqual(row["experiment_id"], real["experiment_id"])
        self.assertEqual((float(row["pue"]), float(row["wue"]), row["region"]), (float(real["pue"]), float(real["wue"]), real["region"]))

    def test_the_folder_and_the_name_of_the_file(self):
        _, warnings = self.whole_run(CODECARBON_OUTPUT_DIR="~/other", CODECARBON_OUTPUT_FILE="energy.csv")
        self.assertEqual(len(rows(os.path.join(self.folder, "other", "energy.csv"))), 1)
        self.assertFalse(os.path.exists(self.path))
        self.assertEqual(warnings, [])

    def test_a_value_that_makes_no_sense_ends_the_run_before_it_begins(self):
        with self.run_with(CODECARBON_MEASURE_POWER_SECS="often") as run:
            with self.assertRaisesRegex(RuntimeError, "measure_power_secs=often makes no sense"):
                run.begin()

    def test_the_world_where_no_country_is_set_with_one_notice(self):
        row, warnings = self.run_with_energy(CODECARBON_COUNTRY_ISO_CODE=None)
        self.assertEqual(len(warnings), 1)
        self.assertIn("475", warnings[0])
        self.assertAlmostEqual(float(row["emissions"]) / float(row["energy_consumed"]), 0.475, places=9)
        self.assertEqual((row["country_name"], row["country_iso_code"]), ("", ""))

    def test_a_secret_of_the_client_is_not_told(self):
        _, warnings = self.whole_run(CODECARBON_API_KEY="hidden-key-1")
        self.assertEqual(len(warnings), 1)
        self.assertIn("api_key", warnings[0])
        with open(self.path) as file:
            self.assertNotIn("hidden-key-1", file.read() + warnings[0])


class Files(CodeCarbonTest):
    def test_the_client_and_the_run_continue_each_others_file_in_any_order_of_columns(self):
        from codecarbon.output_methods.emissions_data import EmissionsData
        from codecarbon.output_methods.file import FileOutput
        import pandas
        names = check_codecarbon.fields()
        shuffled = random.Random(1).sample(names, len(names))
        os.makedirs(os.path.dirname(self.path))
        with open(self.path, "w") as file:
            file.write(",".join(shuffled) + "\n")
        self.whole_run()
        data = EmissionsData(**{name: ("x" if kind is str else 1.0) for name, kind in EmissionsData.__annotations__.items()})
        FileOutput("emissions.csv", os.path.dirname(self.path)).out(data, data)
        self.whole_run()
        frame = pandas.read_csv(self.path)
        self.assertEqual((list(frame.columns), len(frame)), (shuffled, 3))
        self.assertEqual(list(frame["country_iso_code"]), ["FRA", "x", "FRA"])
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["emissions.csv"])

    def test_a_file_of_other_columns_is_put_aside_as_by_the_client(self):
        os.makedirs(os.path.dirname(self.path))
        for _ in range(2):
            with open(self.path, "w") as file:
                file.write("a,b\n1,2\n")
            _, warnings = self.whole_run()
            self.assertEqual(len(warnings), 1)
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.path))), ["emissions.csv", "emissions.csv.bak", "emissions.csv_0.bak"])
        self.check()

    def test_runs_that_end_at_once_keep_all_their_rows(self):
        for how in ("append", "update"):
            runs = [self.run_with(CODECARBON_ON_CSV_WRITE=how) for _ in range(6)]
            for run in runs:
                run.begin()
            for run in runs:  # tell() would wait for the answer
                run.process.stdin.write('{"event": "train_end"}\n')
                run.process.stdin.flush()
            self.assertEqual([run.close() for run in runs], [0] * 6)
        self.assertEqual(len({row["run_id"] for row in rows(self.path)}), 12)
        self.check()

    def test_a_killed_run_leaves_nothing_or_what_its_last_checkpoint_updated(self):
        run = self.run_with()
        run.begin()
        run.kill()
        self.assertFalse(os.path.exists(self.path))
        run = self.run_with(CODECARBON_ON_CSV_WRITE="update")
        run.begin()
        burn(0.1)
        run.save(os.path.join(self.folder, "checkpoint"))
        wait_for(lambda: os.path.exists(self.path) and rows(self.path), "a row")
        run.kill()
        self.check()
        self.whole_run(CODECARBON_ON_CSV_WRITE="update")
        self.assertEqual(len(rows(self.path)), 2)

    def test_a_resumed_run_has_a_row_of_its_own(self):
        self.whole_run()
        with self.run_with() as run:
            run.tell("init_end", args=run.args)
            os.makedirs(os.path.join(self.folder, "checkpoint-8"))
            run.tell("load_checkpoint", directory=os.path.join(self.folder, "checkpoint-8"), step=8)
            run.tell("train_begin", step=8)
            run.end()
        self.assertEqual(len({row["run_id"] for row in rows(self.path)}), 2)

    def test_a_failed_or_interrupted_run_has_its_row(self):
        for how in ("failed", "interrupted", "stopped"):
            with self.run_with() as run:
                run.begin()
                run.log(4, {"loss": float("nan"), "grad_norm": float("inf")})
                run.end(how)
        with self.run_with() as run:
            run.begin()  # and no end at all
        self.assertEqual(len(rows(self.path)), 4)
        self.check()
        for row in rows(self.path):
            uuid.UUID(row["run_id"])
            self.assertFalse({"nan", "inf"} & {value.lower() for value in row.values()})

    def test_only_the_first_process_of_each_machine_writes(self):
        for local, world, count in ((False, False, 0), (True, False, 1)):
            with self.run_with() as run:
                run.tell("init_end", args=run.args, is_local_process_zero=local, is_world_process_zero=world)
                run.tell("train_begin")
                run.end()
            self.assertEqual(os.path.exists(self.path) and len(rows(self.path)), count)

    def test_a_folder_that_cannot_be_made(self):
        with open(os.path.join(self.folder, "run"), "w") as file:
            file.write("in the way")
        row, warnings = self.whole_run()
        self.assertIsNone(row)
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0], r"run/emissions.csv: .*; it used .* kWh, .* kg CO2e in .* s")

    def test_a_full_disk(self):
        disk = os.path.join(self.folder, "run")
        small_disk(self, disk)
        self.whole_run()
        try:
            with open(os.path.join(disk, "filler"), "wb", buffering=0) as filler:
                while True:
                    filler.write(b"x" * 4096)
        except OSError:
            pass
        room = 4096 - os.path.getsize(self.path) % 4096  # of the file's last page, which no disk is too full for
        _, warnings = self.whole_run(CODECARBON_PROJECT_NAME="y" * room)
        self.assertEqual(len(warnings), 1)
        self.assertRegex(warnings[0], "could not be written to run/emissions.csv: No space left on device; it used .* kWh")
        self.check()  # no part of the row is left
        self.assertEqual(len(rows(self.path)), 1)
        os.remove(os.path.join(disk, "filler"))
        self.whole_run()
        self.assertEqual(len(rows(self.path)), 2)
        self.check()


def drive(folder, seconds):
    """The run that the real tracker measures around; its settings are in the environment."""
    with ScriptedRun(PROGRAM, args={"output_dir": "run"}, cwd=folder, unset=()) as run:
        run.begin()
        burn(seconds)
        run.end()


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    if sys.argv[1:2] == ["--drive"]:
        drive(sys.argv[2], float(sys.argv[3]))
    else:
        unittest.main()
