"""How much faster a shrunk network is: latency and training step, beside the ratio of MACs.

    python benchmarks/bench_shrunk.py [--models [resnet18 ...]] [--percents 25 50 70] [--batches 1 16]
                                      [--ways eager channels_last folded compiled onnx] [--rounds 7] [--size 224] [--train] [--no-peer] [--cpu] [--lossy] [--csv FILE]

A share of the channels of each group (`Pruner`, local, what stays rounded up to multiples of 8), in turn with the original; medians.
Names are of torchvision, else of timm. Each way to run is compared with the original run in the same way. If Torch-Pruning is
installed, its network of the same ratio (magnitude, `round_to=8`) runs in the same turns. With `--train` also a training step, plain
and with `trim`, which slices the full weights in each pass. On a busy machine take `--cpu`: one thread, and seconds of the processor
instead of the clock. Residual streams under LayerNorm are pruned with `--lossy` only (the peer always does). With --csv, rows are added to a file.
"""
import argparse, csv, os, statistics, time, warnings
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
import torch, torchvision
from torch import nn
from torch.nn import functional as F
from fasterprune.shrink.pruner import Pruner
from fasterprune.shrink.cost import count_macs
from fasterprune.study.speed import run_as
from fasterprune.shrink.trim import trim
from common import table, torch_pruned

names = ['resnet18','resnet50','vgg16_bn','mobilenet_v2','convnext_tiny','vit_small_patch16_224']

def build(name):
    if hasattr(torchvision.models, name): return getattr(torchvision.models, name)().eval()
    import timm
    return timm.create_model(name).eval()

def peer(name, x, pct):
    "The network that Torch-Pruning leaves, or why there is none"
    if not find_spec('torch_pruning'): return 'not installed'
    m = build(name)
    heads = dict(prune_num_heads=True, head_pruning_ratio=pct/100) if any(hasattr(o, 'qkv') for o in m.modules()) else {}
    last = [o for o in m.modules() if isinstance(o, nn.Linear)][-1]
    try:
        torch_pruned(m, x, pct, [last], round_to=8, **heads)
        with torch.no_grad(): m(x)
        return m
    except Exception as e: return f'{type(e).__name__}: {str(e)[:60]}'

def latency(m, x):
    def f():
        with torch.no_grad(): m(x)
    return f

def clock(a): return time.process_time if a.cpu else time.perf_counter

def turns(rounds, clock, fs):
    "Median seconds of each of `fs`, called in turn"
    for f in fs.values(): f()
    def once(f): t = clock(); f(); return clock()-t
    ts = [[once(f) for f in fs.values()] for _ in range(rounds)]
    return dict(zip(fs, map(statistics.median, zip(*ts))))

def latencies(a, name, pct):
    "Rows of the table for a network and a percentage"
    m,x1 = build(name),torch.randn(1,3,a.size,a.size)
    nets = dict(full=m, ours=Pruner(deepcopy(m), x1, lossy=a.lossy).prune_model(pct, round_to=8))
    other = 'left out' if a.no_peer else peer(name, x1, pct)
    if isinstance(other, nn.Module): nets['peer'] = other
    elif not a.no_peer: print(f'  Torch-Pruning, {name} {pct} %: {other}', flush=True)
    macs = {k:count_macs(m, x1)/count_macs(n, x1) for k,n in nets.items()}
    for bs in a.batches:
        x = torch.randn(bs,3,a.size,a.size)
        for way in a.ways:
            try: t = turns(a.rounds, clock(a), {k:latency(run_as(n, x, way), x) for k,n in nets.items()})
            except Exception as e: print(f'  {name} {way}: {type(e).__name__}: {str(e)[:60]}', flush=True); continue
            finally: torch.compiler.reset()
            row = [name, pct, way, bs, int(a.lossy), 1000*t['full']]
            for k in ('ours','peer'): row += [macs[k], t['full']/t[k], t['full']/t[k]/macs[k]] if k in nets else ['']*3
            yield row

cols = 'model percent way batch lossy ms macs faster share peer_macs peer_faster peer_share'.split()
def save(row, file):
    new = not file.exists()
    with file.open('a', newline='') as f:
        w = csv.writer(f)
        if new: w.writerow(cols)
        w.writerow([f'{c:.3f}' if isinstance(c, float) else c for c in row])

def step(m, x):
    y = torch.zeros(len(x), dtype=torch.long)
    opt = torch.optim.SGD(m.parameters(), 1e-4)
    def f(): opt.zero_grad(); F.cross_entropy(m(x), y).backward(); opt.step()
    return f

def steps(a):
    "Training steps of different sizes: what is not multiplication matters less the larger they are"
    table('training step, half of each group: ms; MACs ratio, times as fast shrunk and trimmed, shares of the ideal', [])
    for name,bs,size in (('resnet18',32,64),('resnet18',32,128),('resnet50',16,96),('resnet50',16,160),('resnet50',16,224),('vgg11_bn',16,96),('vgg11_bn',16,160)):
        m,x = getattr(torchvision.models, name)().train(),torch.randn(bs,3,size,size)
        plan = Pruner(m, x).plan(50)
        s = plan.apply(deepcopy(m)); macs = count_macs(m, x)/count_macs(s, x)
        t = turns(a.rounds, clock(a), dict(full=step(m, x), small=step(s, x), trim=step(trim(deepcopy(m), plan).train(), x)))
        fast = [t['full']/t[k] for k in ('small','trim')]
        print(f'  {name} {bs} × {size}'.ljust(24)+''.join(f'{o:9.2f}' for o in (1000*t['full'], macs, *fast, *(f/macs for f in fast))), flush=True)

def main():
    p = argparse.ArgumentParser()
    p.add_argument('--models', nargs='*', default=names)
    p.add_argument('--percents', nargs='+', type=int, default=[25,50,70])
    p.add_argument('--batches', nargs='+', type=int, default=[1,16])
    p.add_argument('--ways', nargs='+', default=['eager','channels_last','folded','compiled','onnx'])
    p.add_argument('--rounds', type=int, default=7)
    p.add_argument('--size', type=int, default=224)
    p.add_argument('--train', action='store_true')
    p.add_argument('--no-peer', action='store_true')
    p.add_argument('--cpu', action='store_true')
    p.add_argument('--lossy', action='store_true')
    p.add_argument('--csv', type=Path)
    a = p.parse_args()
    warnings.simplefilter('ignore')
    if a.cpu: torch.set_num_threads(1)
    print(f'{torch.get_num_threads()} threads, load {os.getloadavg()[0]:.1f}, images of {a.size}')
    table('network, percent, way, batch: ms of the original; MACs ratio, times as fast, share of the ideal; the same of Torch-Pruning', [])
    for pct in a.percents:
        for name in a.models:
            for row in latencies(a, name, pct):
                print('  '+'{} {} % {} {}'.format(*row).ljust(42)+''.join(f'{c:>9}' if isinstance(c, str) else f'{c:9.2f}' for c in row[5:]), flush=True)
                if a.csv: save(row, a.csv)
    if a.train: steps(a)

if __name__=='__main__': main()
