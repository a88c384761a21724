"""How much faster a shrunk network is: latency and training step, beside the ratio of MACs.

    python benchmarks/bench_shrunk.py [rounds]

Half of the channels of each group (`Pruner`, local, rounded up to multiples of 8), and the original, in turn; medians. The training
step is also taken with `trim`, which slices the full weights in each pass.
"""
import sys, warnings
from copy import deepcopy
import torch, torchvision
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode
from fasterprune.pruner import Pruner
from fasterprune.trim import trim
from common import interleave, table

def flops(m, x):
    with torch.no_grad(), FlopCounterMode(display=False) as c: m(x)
    return c.get_total_flops()

def latency(m, x):
    def f():
        with torch.no_grad(): m(x)
    return f

def step(m, x):
    y = torch.zeros(len(x), dtype=torch.long)
    opt = torch.optim.SGD(m.parameters(), 1e-4)
    def f(): opt.zero_grad(); F.cross_entropy(m(x), y).backward(); opt.step()
    return f

def main(rounds=7):
    warnings.simplefilter('ignore')
    rows = []
    for name in ('resnet18','resnet50','vgg16_bn','mobilenet_v2','convnext_tiny'):
        m,x1 = getattr(torchvision.models, name)().eval(),torch.randn(1,3,224,224)
        for pct in (25,50,70):
            plan = Pruner(m, x1).plan(pct, round_to=8)
            s = plan.apply(deepcopy(m))
            macs = flops(m, x1)/flops(s, x1)
            for bs in (1,16):
                x = torch.randn(bs,3,224,224)
                t = interleave(rounds, full=latency(m, x), small=latency(s, x))
                rows.append((f'{name} {pct} % batch {bs}', macs, t['full']/t['small'], t['full']/t['small']/macs))
    table('latency: MACs ratio, times as fast, share of the ideal', rows)
    rows = []
    for name in ('resnet18','vgg11_bn'):
        m,x = getattr(torchvision.models, name)().train(),torch.randn(16,3,96,96)
        plan = Pruner(m, x).plan(50)
        s = plan.apply(deepcopy(m)); macs = flops(m, x)/flops(s, x)
        t = interleave(rounds, full=step(m, x), small=step(s, x), trim=step(trim(deepcopy(m), plan).train(), x))
        rows.append((name, macs, t['full']/t['small'], t['full']/t['trim'], t['full']/t['trim']/macs))
    table('training step, half of each group: MACs ratio, shrunk, trim, share of the ideal of trim', rows)

if __name__=='__main__': main(*map(int, sys.argv[1:]))
