"""What holding and renewing masks costs in a training step: resnet18, 3x64x64, batch 32.

    python benchmarks/bench_training.py [steps a fit] [rounds] [threads]

Real `Learner`s on synthetic images. Each round trains a fresh copy of the network in every way for a few steps, one way after the
other; what is printed are medians of single steps and their ratios to a plain step, of time that passed and of time on the
processor, which says more where the machine is busy.
"""
import contextlib, io, statistics as st, sys, time, warnings
from copy import deepcopy
from functools import partial
import torch, torchvision
from fastai.basics import DataLoader, DataLoaders, Learner, CrossEntropyLossFlat, SGD, params
from fastai.callback.core import Callback
from fasterprune.all import *
from common import fasterai, table

def clocks():
    "Seconds that passed, and seconds on the processor"
    return time.perf_counter(),time.process_time()

class Begin(Callback):
    "Note when a step begins, before all other callbacks"
    order = -1000
    def before_batch(self): self.learn.began = clocks()

class End(Callback):
    "Note when it is over, after all others"
    order = 1000
    def __init__(self): self.ts = []
    def after_batch(self):
        if self.training: self.ts.append([now-then for now,then in zip(clocks(), self.learn.began)])

def learner(steps, model):
    x,y = torch.randn(32*steps,3,64,64),torch.randint(0,10,(32*steps,))
    ds = list(zip(x,y))
    return Learner(DataLoaders(DataLoader(ds, bs=32), DataLoader(ds[:1], bs=1)), deepcopy(model), loss_func=CrossEntropyLossFlat(),
                   opt_func=partial(SGD, mom=.9))

def kinds(fa):
    "Name -> (granularity to mask beforehand, function that makes the callbacks)"
    ours = lambda g: lambda: [SparsifyCallback(90, g, 'global', schedule=agp)]
    res = {'plain':(None, list), 'masks only, weight':('weight', list), 'masks only, filter':('filter', list),
           'agp, weight/global':(None, ours('weight')), 'agp, filter/global':(None, ours('filter'))}
    if fa:
        theirs = lambda g: lambda: [fa.SparsifyCallback(90, g, 'global', fa.large_final, fa.agp)]
        res |= {'fasterai agp, weight/global':(None, theirs('weight')), 'fasterai agp, filter/global':(None, theirs('filter'))}
    return res

def main(steps=6, rounds=12, threads=None):
    warnings.simplefilter('ignore')
    if threads: torch.set_num_threads(threads)
    model = torchvision.models.resnet18(num_classes=10)
    ks = kinds(fasterai())
    ts = {k:[] for k in ks}
    for r in range(rounds+1):
        for k,(g,f) in ks.items():
            learn,end = learner(steps, model),End()
            if g: keep_sparse(learn, Sparsifier(learn.model, g, 'global').prune_model(70))
            with learn.no_bar(), learn.no_logging(), contextlib.redirect_stdout(io.StringIO()): learn.fit(1, 1e-4, cbs=[*f(), Begin(), end])
            if r: ts[k] += end.ts[1:]
    rows = []
    for k,v in ts.items():
        wall,processor = map(st.median, zip(*v))
        if not rows: plain = wall,processor
        rows.append((k, 1e3*wall, wall/plain[0], 1e3*processor, processor/plain[1]))
    title = f'median step of {rounds*(steps-1)}, {torch.get_num_threads()} threads: ms that passed, ratio to a plain step; ms on the processor, ratio'
    table(title, rows)

if __name__=='__main__': main(*map(int, sys.argv[1:]))
