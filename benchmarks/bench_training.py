"""What holding and renewing masks costs in a training step: resnet18, 3x64x64, batch 32.

    python benchmarks/bench_training.py [steps a round] [rounds]

Real `Learner`s on synthetic images, a few steps of each in turn; medians of single steps, as ratios to a plain step.
"""
import copy, statistics as st, sys, time, warnings
import torch, torchvision
from fastai.basics import *
from fastai.callback.core import Callback
from fasterprune.all import *
from common import fasterai, table

class Timer(Callback):
    "Seconds of each training step"
    order = 1000
    def __init__(self): self.ts = []
    def before_batch(self): self.t = time.perf_counter()
    def after_batch(self):
        if self.training: self.ts.append(time.perf_counter()-self.t)
class Begin(Callback):
    order = -1000
    def __init__(self, timer): self.timer = timer
    def before_batch(self): self.timer.t = time.perf_counter()

class Forever(Callback):
    "Pretend that the fit is long, so that a schedule moves a little at every step"
    order = -5
    def __init__(self, i, n): self.i,self.n = i,n
    def before_batch(self):
        if self.training: self.learn.pct_train = (self.i+self.iter)/self.n

def learner(steps, model):
    x,y = torch.randn(32*steps,3,64,64),torch.randint(0,10,(32*steps,))
    ds = list(zip(x,y))
    return Learner(DataLoaders(DataLoader(ds, bs=32), DataLoader(ds[:1], bs=1)), copy.deepcopy(model), loss_func=CrossEntropyLossFlat(), opt_func=partial(SGD, mom=.9))

def main(steps=4, rounds=12):
    warnings.simplefilter('ignore')
    model = torchvision.models.resnet18(num_classes=10)
    fa,every = fasterai(),{}
    kinds = {'plain':lambda: [], 'masks, weight':None, 'masks, filter':None,
             'agp weight/global':lambda: [SparsifyCallback(90,'weight','global',schedule=agp)],
             'agp filter/global':lambda: [SparsifyCallback(90,'filter','global',schedule=agp)]}
    if fa:
        kinds['fasterai agp weight/global'] = lambda: [fa.SparsifyCallback(90,'weight','global',fa.large_final,fa.agp)]
        kinds['fasterai agp filter/global'] = lambda: [fa.SparsifyCallback(90,'filter','global',fa.large_final,fa.agp)]
    ts = {k:[] for k in kinds}
    learns = {k:learner(steps, model) for k in kinds}
    for k in ('weight','filter'): keep_sparse(learns[f'masks, {k}'], Sparsifier(learns[f'masks, {k}'].model, k, 'global').prune_model(70))
    for r in range(rounds+1):
        for k,f in kinds.items():
            t,learn = Timer(),learns[k]
            with learn.no_bar(), learn.no_logging(), contextlib.redirect_stdout(io.StringIO()):
                learn.fit(1, 1e-4, cbs=[*(f() if f else []), t, Begin(t)])
            if r: ts[k] += t.ts[1:]
    med = {k:st.median(v) for k,v in ts.items()}
    table('median step, ms and ratio to a plain step', [(k, 1e3*v, v/med['plain']) for k,v in med.items()])

if __name__=='__main__': main(*map(int, sys.argv[1:]))
