"""The run of hf_reference_logs.py: what the client reads is what it read of HuggingFace's own callback.

Differences, each with its reason:
  parameters   out, json-dir, trackers, log-model   the SDK logs the command line of the Python script
               curr_step, curr_epoch                the SDK keeps them beside what the callback logs
               arguments that Downbeat refuses      they have no meaning without Python; tried one by one below
               arguments of Downbeat's own          only here
  metrics      sys.*, process duration              measured by the SDK
               *_runtime, *_per_second              the clock's; names and steps are compared
  others       sys.already_imported_modules         the SDK's
  assets       hf_reference_logs.py, emissions.csv  the script's own file, and a file of another tracker
"""
import json
import os
import re

import comet_support

HERE = "tests/integrations/clients/hf_reference"
OF_THE_SDK = {"out", "json-dir", "trackers", "log-model", "curr_step", "curr_epoch"}
REFUSAL = re.compile("not supported yet|has no meaning here|has no counterpart|not an argument here|serves")
OF_DOWNBEAT = {"async_save", "report_to_new_run"}


def load(name):
    with open(os.path.join(HERE, name)) as file:
        return json.load(file)


def is_of_the_clock(name):
    return name.endswith(("runtime", "_per_second"))


class Reference(comet_support.CometTest):
    def refused(self, names):
        """Those of the arguments that no run of Downbeat takes."""
        out = set()
        run = self.run_program()
        for name in names:
            try:
                run.tell("", args={name: 12345})
            except RuntimeError as error:
                if REFUSAL.search(str(error)):
                    out.add(name)
        run.close()
        return out

    def conduct(self, assets):
        reference = load("args.json")
        args = {**reference["args"], "report_to": ["comet_ml"]}
        for name in self.refused(args):
            del args[name]
        model = {"config": {**reference["model_config"], "architectures": None, "dtype": None},  # set when it is saved
                 "text": load("comet_ml.json")["texts"]["graph"]}
        os.makedirs(os.path.join(self.directory, args["output_dir"]))
        for name in assets:
            path = os.path.join(self.directory, os.path.dirname(args["output_dir"]), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(name)
        history = load("log_history.json")
        with self.run_program(args, model, COMET_START_ONLINE="0", COMET_PROJECT_NAME="downbeat-ref", COMET_EXPERIMENT_KEY="a" * 32 + "hfref001",
                              **({"COMET_LOG_ASSETS": "TRUE"} if assets else {})) as run:
            run.begin()
            for line in history["history"]:
                run.log(line["step"], {k: v for k, v in line.items() if k != "step"}, epoch=line["epoch"])
            run.end()
            run.predict(history["predict_metrics"])
        self.assertEqual(run.warnings, [])
        return self.read(self.only_archive())

    def compare(self, reference, assets=()):
        found = self.conduct(assets)
        self.assertEqual((found["key"], found["project"], found["workspace"]), (reference["key"], reference["project"], reference["workspace"]))

        missing = set(reference["params"]) - set(found["params"]) - OF_THE_SDK
        arguments = {name.split("|")[1] for name in missing}
        self.assertEqual({name.split("|")[0] for name in missing}, {"args"})
        self.assertEqual(arguments, self.refused(arguments))
        self.assertEqual({n.split("|")[1] for n in set(found["params"]) - set(reference["params"])}, OF_DOWNBEAT)
        for name in set(found["params"]) & set(reference["params"]):
            self.assertEqual(found["params"][name], reference["params"][name], name)

        logged = {k: v for k, v in reference["metrics"].items() if not k.startswith("sys.") and k != "process duration"}
        self.assertEqual(set(found["metrics"]), set(logged))
        for name, series in logged.items():
            if is_of_the_clock(name):
                self.assertEqual([p[0] for p in found["metrics"][name]], [p[0] for p in series], name)
            else:
                self.assertEqual(found["metrics"][name], series, name)

        self.assertEqual(found["texts"], {k: v for k, v in reference["texts"].items() if k != "sys.already_imported_modules"})
        self.assertEqual(set(found["artifacts"]), set(assets))

    def test_is_the_same_without_assets(self):
        self.compare(load("comet_ml.json"))

    def test_is_the_same_with_assets(self):
        reference = load("comet_ml_log_model.json")
        self.compare(reference, [n for n in reference["artifacts"] if n.startswith("run/")])


if __name__ == "__main__":
    comet_support.main()
