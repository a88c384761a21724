"""Which architectures can be made smaller, and how exactly: half of each group, in float64.

    python benchmarks/bench_coverage.py [torchvision | timm | name ...] [--peer]

For each model: seconds for the graph, groups found and really halved, what is left of the parameters, and the largest relative
difference between the smaller model and the one in which nothing listens to what went. All weights are random. With --peer, also
whether Torch-Pruning (if installed) prunes the same model at ratio 0.5 and it still runs.
"""
import sys, time, warnings
from copy import deepcopy
import torch, torchvision
from torch import nn
from fasterprune.graph import channel_graph
from fasterprune.pruner import Pruner

_small = 'test atto femto pico nano xxs xs tiny mini 0_5 s0 small _s b0 18 26'.split()

def families():
    "One timm model of each module, a small one if the names tell"
    import timm
    rank = lambda n: (next((i for i,s in enumerate(_small) if s in n), 99), len(n))
    res = {}
    for n in timm.list_models(): res.setdefault(timm.models.model_entrypoint(n).__module__, []).append(n)
    return [f'timm:{min(ns, key=rank)}' for ns in res.values()]

def build(name):
    "A model and a batch for it"
    if name.startswith('timm:'):
        import timm
        m = timm.create_model(name[5:]); size = m.default_cfg['input_size']
    else: m,size = torchvision.models.get_model(name, weights=None),((3,299,299) if name=='inception_v3' else (3,224,224))
    torch.manual_seed(0)
    for t in m.parameters():
        if t.ndim==1: t.data.uniform_(.5, 1.5)   # scales that start at zero or 1e-6 would hide what is wrong
    return m.double().eval(),torch.randn(2,*size).double()

def ours(name):
    m,x = build(name)
    n = sum(p.numel() for p in m.parameters())
    t = time.perf_counter(); g = channel_graph(m, x); t = time.perf_counter()-t
    p = Pruner(m, x)
    take,_ = p._candidates(g)
    t2 = time.perf_counter(); plan = p.plan(50); t2 = time.perf_counter()-t2
    bad = [(w,y) for w,y in plan.left if 'differ' in y or 'Error' in y or 'nothing' in y]
    plan.apply(m)
    return t,t2,len(take),len(take)-len(bad),100*sum(p.numel() for p in m.parameters())/n,plan.diff or 0.,bad,g.unknown

def peer(name):
    import torch_pruning as tp
    m,x = build(name)
    m,x = m.float(),x.float()
    heads = [o for o in m.modules() if isinstance(o, nn.Linear) and o.out_features==1000]
    tp.pruner.MetaPruner(m, x, importance=tp.importance.MagnitudeImportance(), pruning_ratio=.5, ignored_layers=heads).step()
    with torch.no_grad(): return tuple(m(x).shape)==(2,1000)

def main(*args):
    warnings.simplefilter('ignore')
    names = [n for a in args if a!='--peer' for n in (torchvision.models.list_models(module=torchvision.models) if a=='torchvision' else families() if a=='timm' else [a])]
    for n in names:
        try:
            t,t2,groups,took,left,diff,bad,unknown = ours(n)
            print(f'{n:<40} graph {t:5.1f} s  plan {t2:5.1f} s  groups {took:>4} of {groups:<4} parameters {left:5.1f} %  difference {diff:.0e}  {dict(unknown) or ""}', flush=True)
            for w,y in bad[:2]: print(f'    {w}: {y[:120]}', flush=True)
        except Exception as e: print(f'{n:<40} {type(e).__name__}: {str(e)[:200]}', flush=True)
        if '--peer' in args:
            try: print(f'    Torch-Pruning: {"runs" if peer(n) else "wrong shape"}', flush=True)
            except Exception as e: print(f'    Torch-Pruning: {type(e).__name__}: {str(e)[:80]}', flush=True)

if __name__=='__main__': main(*sys.argv[1:])
