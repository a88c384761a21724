"The built website, served from this machine, and a browser that can reach nothing else"
import functools,http.server,os,shutil,subprocess,sys,tempfile,threading
from pathlib import Path
import pytest

root = Path(__file__).resolve().parent.parent.parent
flags = ('--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update '
         '--disable-sync --disable-default-apps --disable-extensions --disable-dev-shm-usage --hide-scrollbars').split()

@pytest.fixture(scope='session')
def site():
    "Folder of the website, built anew with warnings as errors (or the one that FASTERPRUNE_SITE names)"
    if (d := os.environ.get('FASTERPRUNE_SITE')): return Path(d)
    r = subprocess.run([sys.executable, 'dev/docs.py'], cwd=root, capture_output=True, text=True)
    assert r.returncode==0, f'the website does not build:\n{r.stdout}{r.stderr}'
    return root/'docs/_build/html'

class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

@pytest.fixture(scope='session')
def url(site):
    "Address of the website"
    srv = http.server.ThreadingHTTPServer(('127.0.0.1', 0), functools.partial(_Quiet, directory=str(site)))
    threading.Thread(target=srv.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{srv.server_port}'
    srv.shutdown()

def _which(*names): return next((p for n in names if (p := shutil.which(n))), None)

@pytest.fixture(scope='session')
def browser():
    "Chromium without a network: every host but this one resolves to nothing"
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    exe,drv = _which('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'),_which('chromedriver', 'chromium.chromedriver')
    if not exe or not drv: pytest.skip('no chromium and chromedriver on this machine (apt-get install chromium chromium-driver)')
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as d:
        opts = webdriver.ChromeOptions()
        opts.binary_location = exe
        for f in (*flags, f'--user-data-dir={d}', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1', '--window-size=1280,900'):
            opts.add_argument(f)
        opts.set_capability('goog:loggingPrefs', {'browser':'ALL', 'performance':'ALL'})
        b = webdriver.Chrome(options=opts, service=Service(drv))
        yield b
        b.quit()
