"""llama.cpp's own HTTP server, from the wheel `xllamacpp`, as a process: llama_server.py MODEL KEY"""

import sys
from importlib import import_module
from typing import Any

xllamacpp: Any = import_module("xllamacpp")  # it has no types
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {"tiny"}
params.api_keys = [sys.argv[2]]
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = 2048
params.n_parallel = 1  # an answer that is still being made would hold up the next one for ever
params.ctx_shift = True  # an answer has no end of itself
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
params.use_jinja = True
params.enable_reasoning = 0
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
