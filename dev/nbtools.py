"What README and website share: the processors that turn a notebook into a page, and the size of pictures"
import re,struct
from base64 import b64decode
from nbdev.processors import (populate_language, strip_ansi, hide_line, filter_stream_, rm_header_dash, rm_export,
                              clean_magics, hide_, strip_hidden_metadata)

page_procs = [populate_language, strip_ansi, hide_line, filter_stream_, rm_header_dash, rm_export, clean_magics, hide_,
              strip_hidden_metadata]

def png_size(data):
    "Width, height and dots per inch (72 if it does not say) of PNG bytes"
    w,h = struct.unpack('>II', data[16:24])
    i = data.find(b'pHYs')
    if not 0<i<data.find(b'IDAT'): return w,h,72
    dots_a_metre, = struct.unpack('>I', data[i+4:i+8])
    return w, h, round(dots_a_metre*0.0254)

def png_width(data):
    "Width at which to show a PNG: half of it for the notebooks' double-density figures"
    w,_,dpi = png_size(data)
    return w//2 if dpi>=140 else w

def png_of(out): return b64decode(out['data']['image/png']) if 'image/png' in out.get('data', {}) else None

def alt_text(cell):
    "What the picture of a cell shows, in words: its line `#| fig-alt: …`"
    return (cell.get('directives_') or {}).get('fig-alt', 'figure').strip()

def drop_style(html): return re.sub(r'<style.*?</style>\s*', '', html, flags=re.S)

# cell options of Quarto, which nbdev knows, and the tags that mean the same to MyST-NB
tags = {('echo','false'): 'remove-input', ('hide_input',''): 'remove-input', ('output','false'): 'remove-output',
        ('hide_output',''): 'remove-output', ('code-fold','true'): 'hide-input', ('collapse_input',''): 'hide-input',
        ('collapse_output',''): 'hide-output', ('include','false'): 'remove-cell'}

def cell_tags(cell):
    "MyST-NB tags for the directives of `cell`"
    said = [(k, v.strip()) for k,v in (cell.get('directives_') or {}).items()]
    return [tags[o] for o in said if o in tags]
