"""The k-th lowest of 86 million scores, as many as a ViT-B has: ours and `torch.kthvalue`.

    python benchmarks/bench_select.py [rounds]
"""
import sys
import torch
from fasterprune.masks.select import kth_score
from common import interleave, table

def main(rounds=3):
    torch.manual_seed(0)
    s = torch.randn(86_000_000).abs()
    k = 60_000_000
    assert kth_score(s, k)[0]==s.kthvalue(k).values.item()
    ts = interleave(rounds, **{'fasterprune':lambda: kth_score(s, k), 'torch.kthvalue':lambda: s.kthvalue(k), 'torch.sort':lambda: s.sort()})
    table('k-th of 86 million float32: ms, ratio', [(n, 1e3*v, v/ts['fasterprune']) for n,v in ts.items()])

if __name__=='__main__': main(*map(int, sys.argv[1:]))
