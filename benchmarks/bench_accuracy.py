"""What is left of the accuracy when channels are gone: right after the cut, calibrated, and trained again.

    python benchmarks/bench_accuracy.py digits [seeds] | minilm [sentences]     -> accuracy_NETWORK.csv
    python benchmarks/bench_accuracy.py                                         the tables of these files

The same network, seeds and multiplications for all: Torch-Pruning (if it is installed) is given the ratio with which its network
has as many multiplications as asked, or fewer. Nothing that is used to calibrate is used to judge. `trained` is four epochs more at
a lower rate (digits_resnet.py) for the digits; for the sentence encoder the two numbers are the cosine to the full network's
vectors times 100, and in how many percent of the sentences the nearest other one is the same, and sentences are those of the
documentation of installed packages.
"""
import csv, importlib, inspect, pkgutil, random, re, sys, time, warnings
from collections import defaultdict
from copy import deepcopy
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import mean
import torch
from torch import nn
from torch.nn import functional as F
from fasterprune.base.data import embed_sentences, minilm, sentence_batch
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

def documentation(packages=('numpy','scipy','sklearn','matplotlib','torch.nn','torch.optim','timm','transformers','pandas','networkx','sympy')):
    "Sentences of the documentation of installed packages, each once"
    found = []
    for package in packages:
        try: root = importlib.import_module(package)
        except ImportError: continue
        modules = [root]
        for info in pkgutil.iter_modules(getattr(root, '__path__', [])):
            if info.name[0]=='_' or info.name in ('tests','conftest','this'): continue
            try: modules.append(importlib.import_module(f'{package}.{info.name}'))
            except Exception: pass
        docs = [inspect.getdoc(o) or '' for m in modules for n,o in vars(m).items() if n[0]!='_' and callable(o)]
        for part in [part for doc in docs for part in doc.split('\n\n')[:3]]:
            found += [s for s in re.split(r'(?<=[.!?]) (?=[A-Z])', ' '.join(part.split())) if 6<=len(s.split())<=40 and plain_sentence.fullmatch(s)]
    return list(dict.fromkeys(found))

plain_sentence = re.compile(r"[A-Z][\w ,;:'()\-.]+[.]")

def run_minilm(write, n=256, n_judged=500):
    "Cosine of the sentence vectors to the full network's, and how often the nearest other sentence is the same, in percent"
    model,tokenizer = minilm()
    texts = documentation()
    random.Random(0).shuffle(texts)
    judged,rest = texts[:n_judged],texts[n_judged:]
    batches = [sentence_batch(tokenizer, rest[i:i+min(n, 256)]) for i in range(0, n, 256)]
    xb = {k:v[:4] for k,v in batches[0].items()}
    def vectors(m):
        with torch.no_grad(): return torch.cat([embed_sentences(m, tokenizer, judged[i:i+100]) for i in range(0, n_judged, 100)])
    def nearest(at): return (at@at.T).fill_diagonal_(-2).argmax(1)
    want = vectors(model)
    def judge(plan):
        got = vectors(plan.apply(deepcopy(model)))
        return 100*float((got*want).sum(1).mean()),100*float((nearest(got)==nearest(want)).float().mean())
    names = Pruner(model, xb).groups()
    for percent in (25,50):
        asked = {k:percent if len(g)==12 or 'value' not in k else 0 for k,g in names.items()}   # heads and hidden units, not the places in heads
        for criterion in ('large_final','reconstruction'):
            started = time.process_time()
            plan = Pruner(model, xb, criteria=criterion).plan(asked, calibrate=batches)
            seconds = time.process_time()-started
            write(n, percent, f'{criterion}: cut', *judge(replace(plan, corrections={}, calibrated=())))
            write(n, percent, f'{criterion}: calibrated ({seconds:.0f} s of the processor)', *judge(plan))

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
