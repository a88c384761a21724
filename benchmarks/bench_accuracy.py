"""What is left of the accuracy when channels are gone: right after the cut, calibrated, and trained again.

    python benchmarks/bench_accuracy.py digits [seeds] | mnist [seeds] | minilm [sentences] | efficientnet     -> accuracy_NETWORK.csv
    python benchmarks/bench_accuracy.py                                                                        the tables of these files

The same network, seeds and multiplications for all: Torch-Pruning (if it is installed) is given the ratio with which its network
has as many multiplications as asked, or fewer. Nothing that is used to calibrate is used to judge. `trained` is four epochs more at
a lower rate (digits_resnet.py) for the digits.
"""
import csv, sys, time, warnings
from collections import defaultdict
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
import torch
from torch import nn
from torch.nn import functional as F
from fasterprune.shrink.calibrate import calibrate
from fasterprune.shrink.cost import count_macs
from fasterprune.shrink.pruner import Pruner
from bench_joint import interval
from common import table
import digits_resnet as digits

here = Path(__file__).parent

def torch_pruned_to(model, x, share, context, importance, loss=None):
    "Torch-Pruning's network with at most `share` of the multiplications, by bisection of its ratio"
    import torch_pruning as tp
    full = count_macs(model, x[:1])
    def pruned(ratio):
        m = deepcopy(model)
        ignored = [o for o in m.modules() if isinstance(o, nn.Linear)][-1:]
        if loss is not None:   # the gradients that Taylor asks for
            m.zero_grad()
            loss(m).backward()
        p = tp.pruner.MetaPruner(m, x[:1], importance=importance(tp), pruning_ratio=ratio, ignored_layers=ignored, global_pruning=context=='global')
        p.step()
        return m
    low,high,best = 0.,.99,None
    for _ in range(8):
        middle = (low+high)/2
        try: m = pruned(middle)
        except Exception: high = middle; continue
        if count_macs(m, x[:1])<=share*full: best,high = m,middle
        else: low = middle
    return best

def digits_ways(net, x, y, percent):
    "Name of a way -> the network that it leaves"
    ways = {}
    for context in ('local','global'):
        plan = Pruner(net, x[:2], context).plan(percent, of='macs')
        ways[f'ours, {context}: cut'] = plan
        ways[f'ours, {context}: calibrated'] = calibrate(net, plan, x)
        ways[f'ours, {context}: calibrated, 64 pictures'] = calibrate(net, plan, x[:64])
        for name,some in (('',x), (', 64 pictures',x[:64])):
            pruner = Pruner(net, x[:2], context, 'reconstruction')
            ways[f'ours, reconstruction, {context}: calibrated{name}'] = pruner.plan(percent, of='macs', calibrate=some)
    ways = {k:plan.apply(deepcopy(net)) for k,plan in ways.items()}
    if not find_spec('torch_pruning'): return ways
    share = 1-percent/100
    magnitude,taylor = (lambda tp: tp.importance.MagnitudeImportance()),(lambda tp: tp.importance.TaylorImportance())
    for context in ('local','global'): ways[f'Torch-Pruning, magnitude, {context}'] = torch_pruned_to(net, x, share, context, magnitude)
    ways['Torch-Pruning, Taylor, local'] = torch_pruned_to(net, x, share, 'local', taylor, lambda m: F.cross_entropy(m(x), y))
    return {k:m for k,m in ways.items() if m is not None}

def run_digits(write, seeds=5):
    for seed in range(seeds):
        x,y,x_valid,y_valid = digits.split(seed)
        torch.manual_seed(seed)
        net = digits.train(digits.ResNet(), x, y, 8, .1, seed)
        write(seed, 0, 'full', digits.accuracy(net, x_valid, y_valid), '')
        for percent in (100*2/3,87.5):
            for way,m in digits_ways(net, x, y, percent).items():
                right = digits.accuracy(m, x_valid, y_valid)
                trained = digits.accuracy(digits.train(m, x, y, 4, .03, seed), x_valid, y_valid)
                write(seed, round(percent, 1), way, right, trained)

columns = 'seed percent way right trained'.split()

def main(what=None, n=None):
    warnings.simplefilter('ignore')
    torch.set_num_threads(1)
    if what is None: return tables()
    path = here/f'accuracy_{what}.csv'
    with path.open('w', newline='') as f:
        w = csv.writer(f)
        w.writerow(columns)
        def write(*row):
            row = [round(o, 2) if isinstance(o, float) else o for o in row]
            print(*row, flush=True)
            w.writerow(row); f.flush()
        globals()[f'run_{what}'](write, *([int(n)] if n else []))

def plus_minus(values): return '{:.1f} ± {:.1f}'.format(*interval(values)) if len(values)>1 else f'{mean(values):.1f}'

def tables():
    for path in sorted(here.glob('accuracy_*.csv')):
        rows = defaultdict(lambda: ([],[]))
        for r in csv.DictReader(path.open()):
            right,trained = rows[float(r['percent']),r['way']]
            right.append(float(r['right']))
            if r['trained']: trained.append(float(r['trained']))
        for percent in sorted({p for p,_ in rows}):
            shown = [(way, plus_minus(a), plus_minus(b) if b else '') for (p,way),(a,b) in rows.items() if p==percent]
            table(f'{path.stem.partition("_")[2]}, {percent:g} % of the multiplications gone: right at once, and trained', shown)

if __name__=='__main__': main(*sys.argv[1:])
