"""What an engine needs that runs shards in other processes, on this machine or others.

The process that walks the run packs the work once, sends it with each shard, and unpacks outcomes:

    outcome = pickle.loads(send(pack(partial(function, shard))))
    if outcome.failure:
        raise outcome.failure.error()

A worker computes the outcome and sends calls of servers back, so that all limits hold for the whole
run:

    with server_calls_go_to(send):
        return outcome(unpack(work), shard)

The process that walks the run answers each of them with `outcome(ServerCall.make, call)`. It should
do so in the thread that waits for results: Ctrl-C then ends the call, and replies are stored.
"""

from saysel.costs.server_calls import ServerCall, ServerReply, server_calls_go_to
from saysel.workers.outcomes import Failure, Outcome, outcome
from saysel.workers.packing import pack, unpack

__all__ = [
    "Failure",
    "Outcome",
    "ServerCall",
    "ServerReply",
    "outcome",
    "pack",
    "server_calls_go_to",
    "unpack",
]
