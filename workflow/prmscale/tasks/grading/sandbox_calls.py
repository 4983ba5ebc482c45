"""The system calls that no program in the box may make, as a filter that the kernel reads.

They reach what no namespace separates: kernel keys (those of the user's session may be Kerberos
tickets), the host of a virtual machine (sockets of the family vsock), and the kernel's log. They
also include calls that other calls pass unseen (io_uring), or that programs do not need and attacks
on kernels do.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

# the kernel's numbers of each machine, of `socket`, and of add_key, request_key, keyctl,
# io_uring_setup, syslog, userfaultfd, perf_event_open and bpf
_NUMBERS = {
    "x86_64": (0xC000003E, 41, (248, 249, 250, 425, 103, 323, 298, 321)),
    "aarch64": (0xC00000B7, 198, (217, 218, 219, 425, 116, 282, 241, 280)),
}
_FAMILIES = (1, 2, 10, 16)  # of sockets that programs may open: unix, IPv4, IPv6, netlink
_OTHER_CALLS = 0x40000000  # x86_64 has a second table of calls from here on
# instructions, and where the kernel shows the call's number, the machine and the first argument
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_CALL, _MACHINE, _ARGUMENT = 0, 4, 16
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # refused calls end with "operation not permitted"

_Instruction = tuple[int, int, int, int]


def build_filter(machine: str) -> bytes | None:
    """The filter for a machine (as `platform.machine()` names it); None if it is not known."""
    if machine not in _NUMBERS:
        return None
    number, socket, refused = _NUMBERS[machine]
    code: list[_Instruction] = [
        (_LOAD, 0, 0, _MACHINE),
        (_IF_EQUAL, 1, 0, number),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _CALL),
        *_return_if(_IF_AT_LEAST, [_OTHER_CALLS], _REFUSE),
        *_return_if(_IF_EQUAL, refused, _REFUSE),
        (_IF_EQUAL, 1, 0, socket),
        (_RETURN, 0, 0, _ALLOW),
        (_LOAD, 0, 0, _ARGUMENT),
        *_return_if(_IF_EQUAL, _FAMILIES, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _return_if(test: int, values: Sequence[int], answer: int) -> list[_Instruction]:
    """Instructions that return the answer if the test holds for any of the values."""
    return [one for value in values for one in ((test, 0, 1, value), (_RETURN, 0, 0, answer))]
