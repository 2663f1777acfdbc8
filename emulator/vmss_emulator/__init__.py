"""An offline Azure for VM scale sets: for tests, demonstrations and development without a cloud.

Answers, as Azure does, to clients that nobody here wrote: the cloud's description, tokens, managed identity, resource
groups, networks, scale sets of both orchestration modes with their instances, extensions, views and rolling upgrades,
long-running operations, quotas. What happens to which set when, and which requests fail, a timeline says. `Emulator`
runs it in a process, the command `vmss-emulator` on a machine; `vmss-emulator exec` runs another command, such as
`pulumi up`, against nothing else.

Importing this is cheap: the web server is imported when an emulator starts.
"""

from vmss_emulator.emulator import Emulator
from vmss_emulator.protocol.errors import ArmError
from vmss_emulator.script.timeline import Timeline, TimelineError
from vmss_emulator.web.journal import Request

__all__ = ["ArmError", "Emulator", "Request", "Timeline", "TimelineError"]
