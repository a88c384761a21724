"""Which architectures can be made smaller, and how exactly: half of each group, in float64.

    python benchmarks/bench_coverage.py [torchvision | timm | timm2 | NAME ...] [--jobs 2] [--timeout 300] [--no-peer | --only-peer] [--csv FILE] [--graphs-of FILE]

`timm` is one model of each of its families (modules), `timm2` a second one. For each model: seconds for the graph, groups found and
really halved, what is left of the parameters, and the largest relative difference between the smaller model and the one in which
nothing listens to what went; "elsewhere" is that difference for pictures of another size, if the model takes any. All weights are random. If Torch-Pruning is installed, also whether it prunes the same model (float32,
ratio 0.5, magnitude; attention with what its examples give and set by hand) and it still runs with the right shape. Each model has a process of its own, and a time limit. With --csv, rows
are added to a file, and models that it already holds are left out; with --only-peer its rows get what is missing of Torch-Pruning. With --graphs-of,
only the graphs of the models in a file are made, which takes a fifth of the time, and groups that differ from the file are named.
"""
import argparse, csv, json, os, subprocess, sys, time, warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
import torch, torchvision
from torch import nn
from fasterprune.channels.graph import channel_graph
from fasterprune.shrink.pruner import Pruner
from fasterprune.study.coverage import half_of_each
from common import torch_pruned

_small = 'test atto femto pico nano xxs xs tiny mini 0_5 s0 small _s b0 18 26'.split()

def families(k=0):
    "A timm model of each module, the `k`-th by size if the names tell"
    import timm
    rank = lambda n: (next((i for i,s in enumerate(_small) if s in n), 99), len(n))
    res = {}
    for n in timm.list_models(): res.setdefault(timm.models.model_entrypoint(n).__module__, []).append(n)
    return [f'timm:{sorted(ns, key=rank)[k]}' for ns in res.values() if len(ns)>k]

def build(name):
    "A model and a batch for it"
    if name.startswith('timm:'):
        import timm
        m = timm.create_model(name[5:]); size = m.default_cfg['input_size']
    else: m,size = torchvision.models.get_model(name, weights=None),((3,299,299) if name=='inception_v3' else (3,224,224))
    torch.manual_seed(0)
    return m.double().eval(),torch.randn(2,*size).double()

def ours(name):
    m,x = build(name)
    t = time.perf_counter(); unknown = list(channel_graph(m, x).unknown); t = time.perf_counter()-t
    h,w = x.shape[2:]
    r = half_of_each(m, x, others=[torch.randn(3,3,h+64,w+128), torch.randn(1,3,2*h,w)])
    return dict(graph_s=round(t, 1), groups=r['Groups'], halved=r['Halved'], parameters=round(r['Parameters %'], 1), difference=f"{r['Difference']:.0e}", elsewhere='' if r['Elsewhere'] is None else f"{r['Elsewhere']:.0e}",
                why='; '.join([r['What stays']]*bool(r['What stays'])+['the outputs do not depend on it']*(r['Halved']>0 and not r['Change']>1e-8)+[f'no rule for {o}' for o in unknown]))

def peer(name):
    if not find_spec('torch_pruning'): return dict(peer='')
    m,x = build(name)
    m,x = m.float(),x.float()
    with torch.no_grad(): shape = m(x).shape
    heads = [o for o in m.modules() if isinstance(o, nn.Linear) and o.out_features==1000]
    torch_pruned(m, x, 50, heads)
    with torch.no_grad(): return dict(peer='runs' if m(x).shape==shape else 'wrong shape')

def graph(name):
    m,x = build(name)
    groups,_ = Pruner(m, x).choose_groups(channel_graph(m, x))
    return dict(groups=len(groups))

def one(what, name):
    try: r = dict(ours=ours, peer=peer, graph=graph)[what](name)
    except Exception as e: r = {'peer' if what=='peer' else 'why':f'{type(e).__name__}: {e}'.splitlines()[0][:120]}
    print('RESULT '+json.dumps(r))

def apart(what, name, limit):
    "`one` in a process of its own"
    try: out = subprocess.run([sys.executable, __file__, '--one', what, name], capture_output=True, text=True, timeout=limit).stdout
    except subprocess.TimeoutExpired: return {'peer' if what=='peer' else 'why':f'not done in {limit} s'}
    return next((json.loads(l[7:]) for l in out.splitlines() if l.startswith('RESULT ')), {'peer' if what=='peer' else 'why':'process died'})

cols = 'model groups halved parameters difference elsewhere graph_s why peer'.split()

def ask_peer(path, jobs, limit):
    "Fill the last column of the file at `path`"
    rows = list(csv.DictReader(path.open()))
    def fill(r):
        r.update(apart('peer', r['model'], limit))
        print(r['model'], r['peer'], flush=True)
        with path.open('w', newline='') as f:
            w = csv.DictWriter(f, cols)
            w.writeheader(); w.writerows(rows)
    with ThreadPoolExecutor(jobs) as ex: list(ex.map(fill, [r for r in rows if not r['peer']]))

def compare_graphs(path, jobs, limit, names=()):
    "Make the graphs of the models in the file at `path`, and print those whose groups are others than there"
    rows = [r for r in csv.DictReader(path.open()) if not names or r['model'] in names]
    differ = []
    def look(r):
        new = apart('graph', r['model'], limit)
        same = str(new.get('groups'))==r['groups']
        if not same: differ.append(r['model'])
        print(r['model'], r['groups'], *([] if same else ['NOW', new]), flush=True)
    with ThreadPoolExecutor(jobs) as ex: list(ex.map(look, rows))
    print(f'{len(rows)-len(differ)} of {len(rows)} have the same groups', *differ)

def main(*args):
    p = argparse.ArgumentParser()
    p.add_argument('names', nargs='*')
    p.add_argument('--jobs', type=int, default=2)
    p.add_argument('--timeout', type=int, default=300)
    p.add_argument('--no-peer', action='store_true')
    p.add_argument('--only-peer', action='store_true')
    p.add_argument('--csv', type=Path)
    p.add_argument('--graphs-of', type=Path)
    p.add_argument('--one', nargs=2)
    a = p.parse_args(args)
    warnings.simplefilter('ignore')
    if a.one: return one(*a.one)
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ.setdefault('MALLOC_MMAP_THRESHOLD_', '1000000')   # memory that a large model has freed goes back at once
    if a.graphs_of: return compare_graphs(a.graphs_of, a.jobs, a.timeout, a.names)
    if a.only_peer: return ask_peer(a.csv, a.jobs, min(a.timeout, 150))
    done = {r['model'] for r in csv.DictReader(a.csv.open())} if a.csv and a.csv.exists() else set()
    lists = dict(torchvision=lambda: torchvision.models.list_models(module=torchvision.models), timm=families, timm2=lambda: families(1))
    names = [n for a_ in a.names or ['torchvision','timm'] for n in (lists[a_]() if a_ in lists else [a_]) if n not in done]
    def row(n): return {**dict.fromkeys(cols, ''), 'model':n, **apart('ours', n, a.timeout), **({} if a.no_peer else apart('peer', n, min(a.timeout, 150)))}
    with ThreadPoolExecutor(a.jobs) as ex:
        for r in ex.map(row, names):
            print('  '.join(f'{r[c]!s:<{40 if c=="model" else 10}}' for c in cols), flush=True)
            if not a.csv: continue
            new = not a.csv.exists()
            with a.csv.open('a', newline='') as f:
                w = csv.DictWriter(f, cols)
                if new: w.writeheader()
                w.writerow(r)

if __name__=='__main__': main(*sys.argv[1:])
