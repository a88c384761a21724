"""A step of training with connections that are given: ours, `torch.nn.utils.prune`, zeros by hand, and plain layers.

    python benchmarks/bench_masked.py [rounds]

Interleaved, one thread, medians of the processor's time; 10 % of the connections are there. `by hand` multiplies the weight
with its mask after each step, which lets momentum push against it. What gradients of zero cost an optimizer (Adam's square
root of many tensors is slower there, not that of the fused one) is in all but `plain` and `by hand`.
"""
import sys, time
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import prune
from fasterprune.layers.masked import mask_model
from common import interleave, table

def layers(kind):
    "A model, inputs, and targets"
    torch.manual_seed(0)
    if kind=='MLP 1024, batch 32': return nn.Sequential(nn.Linear(1024,1024), nn.ReLU(), nn.Linear(1024,1024)),torch.randn(32,1024)
    if kind=='MLP 1024, batch 128': return nn.Sequential(nn.Linear(1024,1024), nn.ReLU(), nn.Linear(1024,1024)),torch.randn(128,1024)
    if kind=='Linear 4096, batch 128': return nn.Linear(4096,4096),torch.randn(128,4096)
    return nn.Sequential(nn.Conv2d(128,128,3,padding=1), nn.ReLU(), nn.Conv2d(128,128,3,padding=1)),torch.randn(16,128,14,14)

kinds = ['MLP 1024, batch 32', 'MLP 1024, batch 128', 'Linear 4096, batch 128', 'Conv 128 3x3, batch 16']
optimizers = {'SGD, momentum':lambda p: torch.optim.SGD(p, 1e-3, momentum=.9), 'AdamW':lambda p: torch.optim.AdamW(p, 1e-4), 'AdamW, fused':lambda p: torch.optim.AdamW(p, 1e-4, fused=True)}

def steps(kind, make):
    "For each way, a function that makes a step"
    ways = {}
    for way in ('plain','fasterprune','torch.nn.utils.prune','by hand'):
        model,x = layers(kind)
        model = nn.Sequential(model)
        y = torch.randn_like(model(x))
        held = [(m, (torch.rand_like(m.weight)<.1).float()) for m in model.modules() if isinstance(m, (nn.Linear,nn.Conv2d))]
        if way=='fasterprune': mask_model(model, {m:mask for m,mask in held})
        if way=='torch.nn.utils.prune': [prune.custom_from_mask(m, 'weight', mask) for m,mask in held]
        opt = make(model.parameters())
        def step(model=model, opt=opt, held=held, way=way, x=x, y=y):
            F.mse_loss(model(x), y, reduction='sum').backward()
            opt.step()
            opt.zero_grad()
            if way=='by hand':
                with torch.no_grad(): [m.weight.mul_(mask) for m,mask in held]
        ways[way] = step
    return ways

def main(rounds=15):
    torch.set_num_threads(1)
    for name,make in optimizers.items():
        rows = []
        for kind in kinds:
            ts = interleave(rounds, **steps(kind, make), clock=time.process_time)
            rows.append((kind, *(v/ts['plain'] if k!='plain' else 1e3*v for k,v in ts.items())))
        table(f'{name}: ms of a plain step; then relative to it: fasterprune, torch.nn.utils.prune, by hand', rows)

if __name__=='__main__': main(*map(int, sys.argv[1:]))
