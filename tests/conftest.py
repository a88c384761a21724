"What all tests share. Tests of a module are generated from its notebook; hand-written ones lie beside them."
import os
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('MPLBACKEND', 'agg')
import random,signal,sys
from pathlib import Path
import pytest

root = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(root))

try:
    from hypothesis import settings
    settings.register_profile('repeatable', derandomize=True, deadline=None, database=None, print_blob=True)
    settings.load_profile('repeatable')
except ImportError: pass

def pytest_pycollect_makeitem(collector, name, obj):
    "What a test file imports is no test: `test_eq` and the like of `fastcore.test`, `test_overflow` of fastai"
    mod = collector.getparent(pytest.Module)
    if name.startswith('test') and mod and getattr(obj, '__module__', None)!=mod.obj.__name__: return []

@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    "With several workers: one of them builds the website and drives the browser"
    from xdist.scheduler import LoadScopeScheduling
    class OneSite(LoadScopeScheduling):
        def _split_scope(self, nodeid): return 'site' if 'tests/browser/' in nodeid else nodeid
    return OneSite(config, log)

def pytest_collection_modifyitems(items):
    "Longest first: notebooks, and the website, which one worker builds"
    rank = {'test_site.py': 0, 'test_notebooks.py': 1}
    items.sort(key=lambda o: rank.get(o.path.name, 2))

@pytest.fixture(scope='session', autouse=True)
def one_thread():
    "Repeatable, and faster on few cores; no progress bars, whose characters would fill the report"
    import matplotlib,torch
    matplotlib.use('agg')
    torch.set_num_threads(1)
    try: import fastprogress.fastprogress as fp
    except ImportError: return
    fp.NO_BAR = True

@pytest.fixture(autouse=True)
def same_world():
    "Each test starts from the same seeds and leaves torch's global state as it found it"
    import numpy as np,torch
    import matplotlib.pyplot as plt
    was = dict(dtype=torch.get_default_dtype(), grad=torch.is_grad_enabled(), threads=torch.get_num_threads(),
               det=torch.are_deterministic_algorithms_enabled(), anomaly=torch.is_anomaly_enabled(),
               mkldnn=torch.backends.mkldnn.enabled, cwd=os.getcwd(), sigint=signal.getsignal(signal.SIGINT), path=sys.path[:])
    rng = random.getstate(),np.random.get_state(),torch.get_rng_state()
    random.seed(42); np.random.seed(42); torch.manual_seed(42)
    yield
    torch.set_default_dtype(was['dtype'])
    torch.set_grad_enabled(was['grad'])
    if torch.get_num_threads()!=was['threads']: torch.set_num_threads(was['threads'])
    torch.use_deterministic_algorithms(was['det'])
    torch.autograd.set_detect_anomaly(was['anomaly'])
    torch.backends.mkldnn.enabled = was['mkldnn']
    random.setstate(rng[0]); np.random.set_state(rng[1]); torch.set_rng_state(rng[2])
    os.chdir(was['cwd'])
    sys.path[:] = was['path']
    signal.signal(signal.SIGINT, was['sigint'])
    plt.close('all')
