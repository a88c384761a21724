"""Run notebooks and save what they show, without what differs from machine to machine

    python dev/outputs.py [notebook or folder ...]     default: nbs

Progress bars and warnings are left out, metadata cleaned, pictures reduced to a palette, which halves them."""
import io,os,sys,time
from base64 import b64encode
from pathlib import Path

root = Path(__file__).resolve().parent.parent
if str(root) not in sys.path: sys.path.insert(0, str(root))
os.environ.setdefault('OMP_NUM_THREADS', '1')

from fastcore.nbio import read_nb,write_nb
from nbdev.clean import clean_nb
from nbdev.test import test_nb
from PIL import Image
from dev.house import notebooks
from dev.nbtools import png_of,png_size

def small_png(data, colors=128):
    "PNG bytes with a palette, if that is smaller"
    im = Image.open(io.BytesIO(data)).convert('RGB').quantize(colors, dither=Image.Dither.NONE)
    f,dpi = io.BytesIO(),png_size(data)[2]
    im.save(f, 'png', optimize=True, dpi=(dpi,dpi))
    return min(data, f.getvalue(), key=len)

def no_bars(txt):
    "Text of a stream without the lines of a progress bar"
    return '\n'.join(l for l in txt.split('\n') if '█' not in l and '\r' not in l) if '█' in txt else txt

def tidy(nb):
    "Drop warnings and progress bars from the outputs of `nb`, and shrink its pictures"
    for c in nb.cells:
        if c.cell_type!='code': continue
        for o in c.outputs:
            if 'text' in o: o['text'] = no_bars(o['text'])
        c.outputs = [o for o in c.outputs if o.get('name')!='stderr' and o.get('text', 'x').strip()
                     and '<progress' not in o.get('data', {}).get('text/html', '')]
        for o in c.outputs:
            png = png_of(o)
            if png: o['data']['image/png'] = b64encode(small_png(png)).decode()

def refresh(nb):
    "Run the notebook at `nb` and save its outputs; whether it ran"
    t = time.time()
    ok,_ = test_nb(nb, skip_flags=['notest'], basepath=root, save=True)
    if ok:
        d = read_nb(nb)
        d.pop('path_')
        tidy(d)
        clean_nb(d)
        write_nb(d, nb)
    print(f"{'saved ' if ok else 'FAILED'} {nb.relative_to(root)} ({time.time()-t:.0f} s)", flush=True)
    return ok

if __name__=='__main__':
    import fastprogress.fastprogress as fp
    fp.NO_BAR = True
    chosen = [Path(o).resolve() for o in sys.argv[1:] or ['nbs']]
    missing = [str(o) for o in chosen if not o.exists()]
    if missing: sys.exit(f"no such notebook or folder: {', '.join(missing)}")
    os.chdir(root)
    nbs = [nb for nb in notebooks() if any(nb.is_relative_to(o) for o in chosen)]
    if not nbs: sys.exit(f"no notebook of nbs among {', '.join(map(str, chosen))}")
    sys.exit(not all([refresh(nb) for nb in nbs]))
