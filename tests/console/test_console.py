# SPDX-License-Identifier: Apache-2.0
"""The web console in headless Chromium, on a real daemon that boots a real guest; see console.mjs.

With SCREENSHOTS=DIR it also writes the pictures of docs/."""
import os
import shutil
import subprocess
import sys

import bailey

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.environ["CONSOLE_MODULES"]
chromium, node = shutil.which("chromium"), shutil.which("node")

bailey.need(node, "no node on this machine; scripts/setup installs it")
bailey.need(chromium, "no chromium on this machine; scripts/setup installs it")
bailey.need(os.path.isdir(f"{MODULES}/node_modules/playwright-core"), f"no playwright-core in {MODULES}; scripts/setup gets it")

port = bailey.free_port()
host = bailey.Host(f"api: {{ listen: [ 'tcp:127.0.0.1:{port}' ], insecure_loopback: true }}\n")
try:
    code = subprocess.run([node, f"{HERE}/console.mjs"], check=False, stdin=subprocess.DEVNULL, timeout=1200, env={
        **os.environ, "URL": f"http://127.0.0.1:{port}/", "CHROMIUM": chromium, "NODE_MODULES": MODULES,
        "APP_PORT": str(bailey.free_port())}).returncode
    if code:
        print(host.log())
finally:
    host.close()
sys.exit(code)
