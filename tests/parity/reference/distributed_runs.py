#!/usr/bin/env python3
"""The real Trainer on several processes: torchrun ... distributed_runs.py RUNS.json, a list of {"twin", "argv", "path"}.

Every run has processes of its own, forked where everything is imported already; each writes PATH.<rank>.jsonl, its
events, and rank 0 PATH.json, what is left behind.
"""
import json
import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import digits_twin
import sequence_twin
import torch.distributed


def join(number):
    """With keys of its own in the launcher's store."""
    store = torch.distributed.TCPStore(os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), is_master=False)
    torch.distributed.init_process_group("gloo", store=torch.distributed.PrefixStore(f"run_{number}", store),
                                         rank=int(os.environ["RANK"]), world_size=int(os.environ["WORLD_SIZE"]))


def run(request):
    rank = os.environ["RANK"]
    twin = {"digits": digits_twin, "sequence": sequence_twin}[request["twin"]]
    trainer = twin.main([*request["argv"], "--trace", f"{request['path']}.{rank}.jsonl"])
    if rank == "0":
        state = {name: tensor.double().sum().item() for name, tensor in trainer.model.state_dict().items()}
        with open(request["path"] + ".json", "w", encoding="utf-8") as file:
            json.dump({"sums": state}, file)
    # Whoever leaves first must not break the others' connections, and the end of a process group may hang.
    store = torch.distributed.distributed_c10d._get_default_store()
    store.set(f"bye_{rank}", "")
    store.wait([f"bye_{other}" for other in range(int(os.environ["WORLD_SIZE"]))])
    os._exit(0)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        requests = json.load(file)
    for number, request in enumerate(requests):
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                join(number)
                run(request)
            except BaseException:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        if os.waitpid(pid, 0)[1] != 0:
            sys.exit(f"the real Trainer failed: {request['argv']}")


main()
