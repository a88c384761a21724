"What the benchmarks share: interleaved timing, and the peers if they are installed"
import statistics as st, time, warnings

def interleave(rounds, setup=False, **fs):
    "Median seconds of each of `fs`, called in turn for so many rounds, so that a noisy machine is unfair to all alike"
    ts = {k:[] for k in fs}
    for r in range(rounds+1):
        for k,f in fs.items():
            if setup: f = f()   # what is timed is the function that this returns
            t = time.perf_counter(); f()
            if r: ts[k].append(time.perf_counter()-t)
    return {k:st.median(v) for k,v in ts.items()}

def fasterai():
    "The module fasterai.sparse.all, or None"
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        try: import fasterai.sparse.all as m
        except ImportError: return None
    return m

def table(title, rows):
    "Print rows of (name, value...)"
    print(f'\n{title}')
    for r in rows: print('  '+'  '.join(f'{c:<34}' if i==0 else f'{c:>12}' if isinstance(c,str) else f'{c:12.3f}' for i,c in enumerate(r)))
