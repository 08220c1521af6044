#!/usr/bin/env python3
"""Reference run of a model with an embedding layer: each token of sequences of different lengths gets one of 23 classes.

What digits_twin.py cannot show is compared with it: neftune, group_by_length, token counts, num_items_in_batch,
batch_eval_metrics, several evaluation sets, auto_find_batch_size. Data and weights are formulas of integers, the same
in sequence_twin.cc. Flags are those of TrainingArguments and of SequenceArguments below.
"""

import hashlib
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Optional

import torch
from torch import nn

import digits_twin
from transformers import HfArgumentParser, Trainer, TrainingArguments, set_seed

VOCABULARY, WIDTH, CLASSES = 32, 12, 23


@dataclass
class SequenceArguments:
    trace: Optional[str] = field(default=None, metadata={"help": "JSONL file for the event trace"})
    train_rows: int = field(default=70)
    eval_rows: int = field(default=21)
    dropout: float = field(default=0.0)
    counts_items: bool = field(default=False, metadata={"help": "the model takes num_items_in_batch"})
    eval_sets: bool = field(default=False, metadata={"help": "two evaluation sets, short and long"})
    batch_limit: int = field(default=0, metadata={"help": "larger training batches run out of memory"})
    tokens: str = field(default="no", metadata={"help": "include_num_input_tokens_seen, which the parser takes for a bool"})
    predict: bool = field(default=False, metadata={"help": "predict after training"})


def weights(shape, factor):
    n = 1
    for size in shape:
        n *= size
    return ((torch.arange(n) * factor % 101 - 50).float() / 250).view(shape)


class TokenClassifier(nn.Module):
    def __init__(self, dropout, batch_limit):
        super().__init__()
        self.embeddings = nn.Embedding(VOCABULARY, WIDTH)
        self.classifier = nn.Linear(WIDTH, CLASSES)
        self.p, self.batch_limit = dropout, batch_limit
        self.config = SimpleNamespace(problem_type=None)  # label smoothing reads it
        with torch.no_grad():
            self.embeddings.weight.copy_(weights((VOCABULARY, WIDTH), 37))
            self.classifier.weight.copy_(weights((CLASSES, WIDTH), 53))
            self.classifier.bias.copy_(weights((CLASSES,), 29))

    def get_input_embeddings(self):
        return self.embeddings

    def loss_of(self, input_ids, attention_mask, labels, num_items_in_batch):
        if self.training and self.batch_limit and len(input_ids) > self.batch_limit:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        hidden = self.embeddings(input_ids)
        if self.p > 0:
            hidden = nn.functional.dropout(hidden, self.p, self.training)
        logits = self.classifier(torch.relu(hidden * attention_mask.unsqueeze(-1)))
        if labels is None:
            return {"logits": logits}
        reduction = "mean" if num_items_in_batch is None else "sum"
        loss = nn.functional.cross_entropy(logits.view(-1, CLASSES), labels.view(-1), reduction=reduction)
        if num_items_in_batch is not None:
            loss = loss / num_items_in_batch
        return {"loss": loss, "logits": logits}

    def forward(self, input_ids, attention_mask, labels=None):
        return self.loss_of(input_ids, attention_mask, labels, None)


class CountingTokenClassifier(TokenClassifier):
    def forward(self, input_ids, attention_mask, labels=None, num_items_in_batch=None, **kwargs):
        return self.loss_of(input_ids, attention_mask, labels, num_items_in_batch)


class Sequences(torch.utils.data.Dataset):
    def __init__(self, first, size, longest=14):
        self.first, self.size, self.longest = first, size, longest

    def __len__(self):
        return self.size

    def __getitem__(self, i):
        if not 0 <= i < self.size:
            raise IndexError(i)
        i += self.first
        length = 2 + i * 7 % (self.longest - 1)
        ids = torch.tensor([(i * 13 + j * 5 + i * j) % 31 + 1 for j in range(length)])
        labels = torch.tensor([(i + j * 3) % CLASSES if (i + j) % 6 else -100 for j in range(length)])
        return {"input_ids": ids, "labels": labels}


def collate(examples):
    pad = lambda name, value: nn.utils.rnn.pad_sequence([e[name] for e in examples], True, value)
    ids = pad("input_ids", 0)
    return {"input_ids": ids, "attention_mask": (ids != 0).long(), "labels": pad("labels", -100)}


def counts_of(prediction):
    labels = torch.as_tensor(prediction.label_ids)
    counted = labels != -100
    right = torch.as_tensor(prediction.predictions).argmax(-1)[counted] == labels[counted]
    return int(right.sum()), int(counted.sum())


def whole_metrics(prediction):
    right, all_of_them = counts_of(prediction)
    metrics = {"accuracy": right / all_of_them}
    if prediction.inputs is not None:
        metrics["inputs"] = float(torch.as_tensor(prediction.inputs).sum())
    if prediction.losses is not None:
        losses = torch.as_tensor(prediction.losses)
        metrics["losses"], metrics["last_loss"] = float(len(losses)), float(losses[-1])
    return metrics


class BatchMetrics:
    right = all_of_them = 0

    def __call__(self, prediction, compute_result):
        right, all_of_them = counts_of(prediction)
        self.right, self.all_of_them = self.right + right, self.all_of_them + all_of_them
        if not compute_result:
            return {}
        metrics = {"accuracy": self.right / self.all_of_them, "counted": float(self.all_of_them)}
        self.right = self.all_of_them = 0
        return metrics


def weights_sha256(model):
    digest = hashlib.sha256()
    for name in ("embeddings.weight", "classifier.weight", "classifier.bias"):
        digest.update(model.state_dict()[name].contiguous().numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def main(argv):
    own, args = HfArgumentParser((SequenceArguments, TrainingArguments)).parse_args_into_dataclasses(args=argv)
    args.include_num_input_tokens_seen = own.tokens
    torch.set_num_threads(1)
    set_seed(args.seed)
    evals = Sequences(1000, own.eval_rows)
    if own.eval_sets:
        evals = {"short": Sequences(1000, own.eval_rows, 5), "long": evals}
    trainer = Trainer(
        model=(CountingTokenClassifier if own.counts_items else TokenClassifier)(own.dropout, own.batch_limit),
        args=args,
        train_dataset=Sequences(0, own.train_rows),
        eval_dataset=evals,
        data_collator=collate,
        compute_metrics=BatchMetrics() if args.batch_eval_metrics else whole_metrics,
        callbacks=[digits_twin.Recorder(own.trace)],
    )
    trainer.train(resume_from_checkpoint=args.resume_from_checkpoint)
    if own.predict:
        trainer.predict(Sequences(2000, own.eval_rows))
    return trainer


if __name__ == "__main__":
    main(sys.argv[1:])
