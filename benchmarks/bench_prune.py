"""Time and memory of one pruning pass: resnet50 and ViT-B/16, 80 % of all single weights.

    python benchmarks/bench_prune.py [rounds]

Ours, fasterai (if installed) and `torch.nn.utils.prune.global_unstructured`, in turn; medians. Memory in a process of its own each:
what stays, and the most on the way, as multiples of the weights considered.
"""
import gc, resource, subprocess, sys, threading, warnings
from copy import deepcopy
import torch, torchvision
from torch import nn
from torch.nn.utils import prune
from fasterprune.masks.sparsifier import Sparsifier
from common import fasterai, interleave, table

def models(): return dict(resnet50=(torchvision.models.resnet50, nn.Conv2d), vit_b_16=(torchvision.models.vit_b_16, nn.Linear))

def tools(model, t):
    "For each tool, a function that sets up a fresh model and returns the function to time"
    fa,tools = fasterai(),{}
    convs = lambda m: [(o,'weight') for o in m.modules() if isinstance(o, t)]
    def ours():
        s = Sparsifier(deepcopy(model), 'weight', 'global', layer_type=t)
        return lambda: s.prune_model(80)
    def theirs():
        s = fa.Sparsifier(deepcopy(model), 'weight', 'global', fa.large_final, layer_type=t)
        return lambda: s.sparsify_model(80)
    def torchs():
        ps = convs(deepcopy(model))
        return lambda: prune.global_unstructured(ps, prune.L1Unstructured, amount=.8)
    return {'fasterprune':ours, **({'fasterai':theirs} if fa else {}), 'torch.nn.utils.prune':torchs}

def resident():
    with open('/proc/self/statm') as f: return int(f.read().split()[1])*resource.getpagesize()

def memory(name, tool):
    "Print what stays allocated after pruning, and the most on the way, in multiples of the weights considered"
    f,t = models()[name]
    model = f()
    n = sum(m.weight.numel()*m.weight.element_size() for m in model.modules() if isinstance(m, t))
    fs = tools(model, t)
    fs[tool]()   # imports and pools
    gc.collect()
    was,peak,done = resident(),[0],threading.Event()
    def watch():
        while not done.wait(.001): peak[0] = max(peak[0], resident())
    th = threading.Thread(target=watch); th.start()
    keep = fs[tool]; run = keep(); run()
    done.set(); th.join(); gc.collect()
    print((resident()-was)/n-1, (peak[0]-was)/n-1)   # less the copy of the model

def main(rounds=5):
    warnings.simplefilter('ignore')
    for name,(f,t) in models().items():
        ts = interleave(rounds, setup=True, **tools(f(), t))
        table(f'{name}: prune_model(80), weight/global', [(k, 1e3*v, v/ts['fasterprune']) for k,v in ts.items()])
        rows = []
        for tool in ts:
            out = subprocess.run([sys.executable, __file__, 'memory', name, tool], capture_output=True, text=True).stdout.split()
            rows.append((tool, *[float(o) for o in out[-2:]]))
        table(f'{name}: memory that stays, and peak, in multiples of the weights', rows)

if __name__=='__main__':
    if sys.argv[1:2]==['memory']: memory(*sys.argv[2:])
    else: main(*map(int, sys.argv[1:]))
