"""Layers whose dense matrix does not fit: memory and time of a step of training.

    python benchmarks/bench_sparse.py [rounds]

`SparseLinear` of 200 000 x 200 000 with 2 million connections at batch 32, in a process of its own: the most memory above
what the imports take, from the making of the layer to the last step, in multiples of the nonzeros (values and columns, 8
bytes each); and the time beside what a memory of this bandwidth needs. Then 4096 x 4096 with 10 % of the connections beside
a plain `Linear`, a `MaskedLinear`, `torch.sparse.mm` with a COO parameter, and (forward only) scipy. One thread, medians of the processor's time.
"""
import gc, resource, subprocess, sys, threading, time, warnings
import numpy as np
import torch
from torch import nn
from fasterprune.layers.masked import MaskedLinear
from fasterprune.layers.sparse import SparseLinear
from common import interleave, table

n_features,per_row,batch = 200_000,10,32
optimizers = {'SGD':lambda p: torch.optim.SGD(p, .1), 'Adam':torch.optim.Adam}

def resident():
    with open('/proc/self/statm') as f: return int(f.read().split()[1])*resource.getpagesize()

def stepper(layer, opt, x, y):
    def step():
        loss = nn.functional.mse_loss(layer(x), y)
        loss.backward()
        opt.step()
        opt.zero_grad()
        return loss.item()
    return step

def memory(name):
    "Print the most memory in multiples of the nonzeros: while making the layer, and in training"
    warm = SparseLinear.from_random(100, 100, per_row=3)   # imports and pools
    stepper(warm, optimizers[name](warm.parameters()), torch.randn(8,100), torch.randn(8,100))()
    gc.collect()
    was,peak,done = resident(),[0],threading.Event()
    def watch():
        while not done.wait(.001): peak[0] = max(peak[0], resident())
    thread = threading.Thread(target=watch)
    thread.start()
    layer = SparseLinear.from_random(n_features, n_features, per_row=per_row)
    nonzeros = len(layer.values)*8
    made,peak[0] = peak[0],0
    x = torch.randn(batch, n_features)
    step = stepper(layer, optimizers[name](layer.parameters()), x, x)
    for _ in range(4): step()
    done.set()
    thread.join()
    print((made-was)/nonzeros, (peak[0]-was)/nonzeros)

def bandwidth():
    "Bytes a second that are read and written by a copy"
    a,b = torch.ones(2**26),torch.empty(2**26)
    return 8*2**26/interleave(5, clock=time.process_time, copy=lambda: b.copy_(a))['copy']

def least_bytes(n_nonzeros, x, out):
    "What a step has to move if each tensor is read or written once: forward, gradient of the values, SGD"
    nonzeros,vectors = 8*n_nonzeros,4*(x.numel()+out.numel())
    return dict(forward=nonzeros+vectors, backward=nonzeros+4*n_nonzeros+vectors, optimizer=3*4*n_nonzeros)

def gathered_bytes(n_nonzeros):
    "What is moved besides if the inputs of each connection come from memory: once forward, and twice for the gradient"
    return 3*4*batch*n_nonzeros

def large(rounds):
    rows = []
    for name in optimizers:
        out = subprocess.run([sys.executable, __file__, 'memory', name], capture_output=True, text=True).stdout.split()
        rows.append((name, *map(float, out[-2:])))
    table('200 000 x 200 000, 2 million connections: most memory while it is made and in training, in multiples of the nonzeros', rows)
    torch.manual_seed(0)
    layer = SparseLinear.from_random(n_features, n_features, per_row=per_row)
    x = torch.randn(batch, n_features)
    step = stepper(layer, optimizers['SGD'](layer.parameters()), x, x)
    took = interleave(rounds, clock=time.process_time, step=step)['step']
    speed,n = bandwidth(),len(layer.values)
    least = sum(least_bytes(n, x, x).values())
    print(f'\n{speed/1e9:.1f} GB/s; ways chosen: {sorted({(k[0],v) for k,v in layer.pattern.choices.items()})}')
    table('a step of SGD at batch 32, ms: measured; each tensor once; and inputs gathered from memory',
          [('SparseLinear', 1e3*took, 1e3*least/speed, 1e3*(least+gathered_bytes(n))/speed)])

def coo_layer(mask):
    "What one would write by hand"
    w = torch.nn.Parameter(torch.randn(mask.shape).mul(mask).to_sparse())
    return lambda x: torch.sparse.mm(w, x.t()).t()

def small(rounds):
    torch.manual_seed(0)
    mask = torch.rand(4096,4096)<.1
    sparse,masked,dense,by_hand = SparseLinear(4096, 4096, mask),MaskedLinear(mask),nn.Linear(4096,4096),coo_layer(mask)
    matrix = sparse.to_scipy()
    rows = []
    for n in (1,16,128):
        x = torch.randn(n,4096)
        steps = {}
        for name,layer in (('dense',dense),('masked',masked),('sparse',sparse)):
            steps[name] = stepper(layer, torch.optim.SGD(layer.parameters(), .01), x, x)
        steps['sparse.mm'] = lambda: by_hand(x).square().mean().backward()
        ts = interleave(rounds, clock=time.process_time, **steps)
        rows.append((f'batch {n}', 1e3*ts['dense'], *(ts['dense']/ts[k] for k in ('sparse','masked','sparse.mm'))))
    table('4096 x 4096, 10 %: ms of a dense step of SGD; times as fast: sparse, masked, torch.sparse.mm (no step)', rows)
    rows = []
    with torch.no_grad():
        for n in (1,16,128):
            x = torch.randn(n,4096)
            ts = interleave(rounds, clock=time.process_time, dense=lambda: dense(x), sparse=lambda: sparse(x), scipy=lambda: matrix@x.numpy().T)
            rows.append((f'batch {n}', 1e3*ts['dense'], *(ts['dense']/ts[k] for k in ('sparse','scipy'))))
    table('forward: ms of a dense one; times as fast: sparse, scipy', rows)

def main(rounds=7):
    torch.set_num_threads(1)
    warnings.simplefilter('ignore')
    large(rounds)
    small(rounds)

if __name__=='__main__':
    if sys.argv[1:2]==['memory']: memory(sys.argv[2])
    else: main(*map(int, sys.argv[1:]))
