"""Files of pruned networks: how small, and how fast to read.

    python benchmarks/bench_files.py [rounds]

Four matrices of 2048 x 2048 with scattered zeros: bytes over the information that there is (entropy of the places and raw
values), and megabytes of dense weights a second, by one core's processor time, in turn with `torch.save`, safetensors, gzip
of it, and `scipy.sparse.save_npz`.
"""
import gzip, math, os, sys, tempfile, time
import scipy.sparse
import torch
from torch import nn
from fasterprune.layers.files import best_codec, load_sparse, save_sparse
from common import interleave, table

def entropy(p): return -p*math.log2(p)-(1-p)*math.log2(1-p)

def network(): return nn.Sequential(*[nn.Linear(2048,2048,bias=False) for _ in range(4)])

def pruned(kind):
    "A network, and the bits of information in the place of each weight"
    torch.manual_seed(0)
    model = network()
    for p in model.parameters():
        if kind=='2:4': p.data.mul_((torch.rand(2048,512,4).argsort(2)<2).view(2048,2048))
        else: p.data.mul_(torch.rand(2048,2048)>=kind/100)
    return model,math.log2(6)/4 if kind=='2:4' else entropy(1-kind/100)

def writers(model, d):
    "Name -> what writes a file, what reads it, and the file"
    from safetensors.torch import load_file, save_file
    state = model.state_dict()
    def save_gz():
        save_file(state, f'{d}/raw')
        with open(f'{d}/raw', 'rb') as f, gzip.open(f'{d}/gz', 'wb', 6) as g: g.write(f.read())
    def load_gz():
        with gzip.open(f'{d}/gz') as f: return f.read()
    def save_npz():
        for i,w in enumerate(state.values()): scipy.sparse.save_npz(f'{d}/npz{i}.npz', scipy.sparse.csr_array(w.numpy()))
    def load_npz(): return [scipy.sparse.load_npz(f'{d}/npz{i}.npz').toarray() for i in range(4)]
    other = network()
    res = {f'fasterprune, {c}':(lambda c=c: save_sparse(model, f'{d}/{c}', c), lambda c=c: load_sparse(f'{d}/{c}', other), [c]) for c in dict.fromkeys((best_codec(),'zlib'))}
    res['safetensors'] = lambda: save_file(state, f'{d}/st'),lambda: other.load_state_dict(load_file(f'{d}/st')),['st']
    res['torch.save'] = lambda: torch.save(state, f'{d}/pt'),lambda: other.load_state_dict(torch.load(f'{d}/pt')),['pt']
    res['safetensors, gzip'] = save_gz,load_gz,['gz']
    res['scipy npz'] = save_npz,load_npz,[f'npz{i}.npz' for i in range(4)]
    return res

def main(rounds=3):
    torch.set_num_threads(1)
    for kind in (50,80,90,95,99,'2:4'):
        model,places = pruned(kind)
        n = sum(p.numel() for p in model.parameters())
        values = sum(int((p!=0).sum()) for p in model.parameters())
        bound = 4*values+places*n/8
        with tempfile.TemporaryDirectory() as d:
            ways = writers(model, d)
            saved = interleave(1, clock=time.process_time, **{k:w for k,(w,_,_) in ways.items()})
            loaded = interleave(rounds, clock=time.process_time, **{k:r for k,(_,r,_) in ways.items()})
            rows = [(k, sum(os.path.getsize(f'{d}/{f}') for f in files)/bound, 4e-6*n/saved[k], 4e-6*n/loaded[k]) for k,(_,_,files) in ways.items()]
        table(f'{kind}{"" if kind=="2:4" else " %"}: size over the bound, MB/s written, MB/s read', rows)

if __name__=='__main__': main(*map(int, sys.argv[1:]))
