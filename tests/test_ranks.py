"Several processes over gloo: one decision, the same masks and the same weights in all of them"
import os
import pytest,torch
from torch import multiprocessing as mp
import distributed_ranks as ranks
from fasterprune.masks.criteria import criteria

def results(f, n, folder, *args):
    "What each of `n` processes that run `f` has found"
    mp.spawn(f, (n, str(folder), *args), nprocs=n)
    return [torch.load(os.path.join(folder, f'{rank}.pt'), weights_only=False) for rank in range(n)]

def same(a, b): return a.keys()==b.keys() and all(torch.equal(a[k], b[k]) for k in a)

def test_one_process_decides_for_all(tmp_path):
    told = results(ranks.decisions, 3, tmp_path)
    assert told==[told[0]]*3
    assert told[0]==dict(value=[0,'from rank 0'], error='ValueError: rank 0 cannot')

def ways():
    "Every criterion, in one of several granularities and contexts"
    shapes = [('weight','global'), ('filter','local'), ('group','global'), ('weight','local'), ('2:4','local')]
    chosen = [(c, *shapes[i%4]) for i,c in enumerate(criteria)]
    return [*chosen, *(('random', *s) for s in shapes[:4]), *((c, *s) for c in ('taylor','wanda') for s in shapes[:3])]

differing = [('random','weight','global'), ('taylor','filter','local'), ('wanda','group','global')]   # in what they would see alone

@pytest.mark.parametrize('n,ways', [(2, ways()), (3, differing)])
def test_every_criterion_gives_the_same_masks_everywhere(n, ways, tmp_path):
    pruned = results(ranks.prune_all, n, tmp_path, ways)
    for i,way in enumerate(ways):
        first,*others = [rank[i] for rank in pruned]
        assert first['held'] and 50<first['masked']<75, way
        for other in others: assert same(first['masks'], other['masks']) and same(first['weights'], other['weights']), way

def test_a_fit_in_two_processes(tmp_path):
    first,other = results(ranks.fit, 2, tmp_path)
    assert same(first['masks'], other['masks']) and same(first['weights'], other['weights'])
    assert any(not m.all() for m in first['masks'].values())
    for rank in (first,other): assert 'DistributedDataParallel' in rank['refused'] and rank['size']==first['size']

def test_a_network_is_made_smaller_before_it_is_wrapped(tmp_path):
    [told] = results(ranks.shrinking, 1, tmp_path)
    assert told['error'].startswith('ValueError: DistributedDataParallel expects gradients of fixed shapes') and told['untouched']
    assert told['channels']==4 and told['grads']

def test_connections_that_are_given_in_two_processes(tmp_path):
    "The same weights in both, and zeros where nothing is connected"
    first,other = results(ranks.masked, 2, tmp_path)
    assert all(first['clear']+first['held']+other['clear']+other['held']) and len(first['held'])==3
    weights = lambda rank: {k:v for k,v in rank['state'].items() if 'running' not in k}
    assert same(weights(first), weights(other)) and sum(k.endswith('mask_bits') for k in first['state'])==3
