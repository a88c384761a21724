"""Time and memory of one pruning pass: resnet50 and ViT-B/16, 80 % of all single weights.

    python benchmarks/bench_prune.py [rounds]

Ours, fasterai (if installed) and `torch.nn.utils.prune.global_unstructured`, in turn; medians. Memory in a process of its own each:
what stays allocated, and the peak, as multiples of the weights considered.
"""
import copy, resource, subprocess, sys, warnings
import torch, torchvision
from torch import nn
from torch.nn.utils import prune
from fasterprune.sparsifier import *
from common import fasterai, interleave, table

def models(): return dict(resnet50=(torchvision.models.resnet50, nn.Conv2d), vit_b_16=(torchvision.models.vit_b_16, nn.Linear))

def tools(model, t):
    "Functions that prune a fresh copy of `model` once"
    fa = fasterai()
    ours = Sparsifier(model, 'weight', 'global', layer_type=t)
    fs = dict(fasterprune=lambda: [p.fill_(1) for p in ours.alive.values()] and ours.prune_model(80))
    if fa: 
        theirs = fa.Sparsifier(copy.deepcopy(model), 'weight', 'global', fa.large_final, layer_type=t)
        fs['fasterai'] = lambda: theirs.sparsify_model(80)
    def torch_prune():
        m = copy.deepcopy(model)
        ps = [(o,'weight') for o in m.modules() if isinstance(o, t)]
        return lambda: prune.global_unstructured(ps, prune.L1Unstructured, amount=.8)
    def once(): torch_prune()()
    fs['torch.nn.utils.prune'] = once
    return fs

def rss(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss*1024
def now():
    with open('/proc/self/statm') as f: return int(f.read().split()[1])*resource.getpagesize()

def memory(name, tool):
    "Print what stays and the peak, in multiples of the weights considered"
    f,t = models()[name]
    model = f()
    n = sum(m.weight.numel() for m in model.modules() if isinstance(m, t))*4
    x = torch.randn(2,3,224,224); model.eval()
    with torch.no_grad(): model(x)
    a,keep = now(),[]
    if tool=='fasterprune': s = Sparsifier(model, 'weight', 'global', layer_type=t); s.prune_model(80); keep.append(s)
    elif tool=='fasterai':
        fa = fasterai(); a = now()
        s = fa.Sparsifier(model, 'weight', 'global', fa.large_final, layer_type=t); s.sparsify_model(80); keep.append(s)
    else: prune.global_unstructured([(o,'weight') for o in model.modules() if isinstance(o, t)], prune.L1Unstructured, amount=.8)
    print((now()-a)/n, (rss()-a)/n)

def main(rounds=5):
    warnings.simplefilter('ignore')
    for name,(f,t) in models().items():
        ts = interleave(rounds, **tools(f(), t))
        table(f'{name}: prune_model(80), weight/global', [(k, 1e3*v, v/ts['fasterprune']) for k,v in ts.items()])
        rows = []
        for tool in ts:
            out = subprocess.run([sys.executable, __file__, 'memory', name, tool], capture_output=True, text=True).stdout.split()
            rows.append((tool, *[float(o) for o in out[-2:]]))
        table(f'{name}: memory that stays, and peak, in multiples of the weights', rows)

if __name__=='__main__':
    if sys.argv[1:2]==['memory']: memory(*sys.argv[2:])
    else: main(*map(int, sys.argv[1:]))
