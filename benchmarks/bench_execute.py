"""Zeros that make it faster: from which share on, by shape and batch.

    python benchmarks/bench_execute.py [rounds]

Each layer dense and as `sparse_for_inference` runs it, in turn with what one would write by hand (`torch.sparse.mm` with
a CSR matrix) and with scipy: one thread, the fastest of the rounds by the processor's time. Writes
`benchmarks/sparse.csv`, which the notebook draws.
"""
import csv, sys, time, warnings
from pathlib import Path
import torch
from torch import nn
from fasterprune.layers.execute import sparse_for_inference, sparse_report
from fasterprune.layers.sparse import SparseLinear

def best_of(rounds, **fs):
    "Shortest seconds of each of `fs`, in turn; each round another one begins, since the caches are what the one before left"
    best,names = {k:float('inf') for k in fs},list(fs)
    for r in range(rounds+2):
        names.append(names.pop(0))
        for k in names:
            f,t = fs[k],time.process_time()
            f()
            if r>1: best[k] = min(best[k], time.process_time()-t)
    return best

def zeroed(model, percent):
    "`model` with so many scattered zeros in its matrices"
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim>1: p.mul_(torch.rand_like(p)>=percent/100)
    return model.eval()

def peers(model, x):
    "The same by hand, if it is one linear layer"
    if len(model)>1 or x.ndim>2 or not isinstance(model[0], nn.Linear): return {}
    w,b = model[0].weight.detach(),model[0].bias
    csr,matrix = w.to_sparse_csr(),SparseLinear.from_linear(model[0]).to_scipy()
    return {'torch.sparse.mm':lambda: torch.sparse.mm(csr, x.t()).t()+b, 'scipy':lambda: matrix@x.numpy().T}

def measure(name, model, x, percent, rounds):
    "A row of the table"
    zeroed(model, percent)
    fast = sparse_for_inference(model, x, seconds=.3)
    with torch.no_grad():
        if not torch.allclose(fast(x), model(x), atol=1e-3): raise AssertionError(name)
        ts = best_of(rounds, dense=lambda: model(x), fast=lambda: fast(x), **peers(model, x))
    ways = '/'.join(dict.fromkeys(r['Way'] for r in sparse_report(fast).rows)) or 'dense'
    row = dict(layer=name, batch=len(x), zeros=percent, way=ways, dense_ms=round(1e3*ts['dense'], 4), fast_ms=round(1e3*ts['fast'], 4))
    for k in ('fast','torch.sparse.mm','scipy'): row[f'times_{k}'] = round(ts['dense']/ts[k], 2) if k in ts else ''
    print(*row.values(), flush=True)
    return row

def mlp(width=1024): return nn.Sequential(*[m for _ in range(3) for m in (nn.Linear(width,width), nn.ReLU())], nn.Linear(width,10))

def conv(channels, kernel): return lambda: nn.Sequential(nn.Conv2d(channels,channels,kernel,padding=kernel//2))

def cases():
    "Name, model, size of a sample, batches, percentages"
    curve = (50,70,80,90,95,99)
    yield 'Linear 4096 x 4096',lambda: nn.Sequential(nn.Linear(4096,4096)),(4096,),(1,16,128),curve
    yield 'Linear 1024 x 1024',lambda: nn.Sequential(nn.Linear(1024,1024)),(1024,),(1,16,128),curve
    yield 'MLP 1024',mlp,(1024,),(1,16,128),(90,)
    yield 'ViT-B/16 mlp.3',lambda: nn.Sequential(nn.Linear(3072,768)),(3072,),(1,),(90,)
    yield 'ViT-B/16 mlp.3, 197 tokens',lambda: nn.Sequential(nn.Linear(3072,768)),(197,3072),(1,),(90,)
    for channels,kernel,size in ((256,1,14),(64,3,56),(128,3,28),(256,3,14),(512,3,7)):
        yield f'Conv {channels} {kernel}x{kernel}, {size}x{size}',conv(channels, kernel),(channels,size,size),(1,8),(80,90,95,99)

def main(rounds=10):
    torch.set_num_threads(1)
    warnings.simplefilter('ignore')
    rows = []
    for name,make,size,batches,percents in cases():
        for batch in batches:
            for percent in percents:
                torch.manual_seed(0)
                rows.append(measure(name, make(), torch.randn(batch, *size), percent, rounds))
    with open(Path(__file__).parent/'sparse.csv', 'w', newline='') as f:
        w = csv.DictWriter(f, rows[0], lineterminator='\n')
        w.writeheader()
        w.writerows(rows)

if __name__=='__main__': main(*map(int, sys.argv[1:]))
