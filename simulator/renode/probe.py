# ruff: noqa: F821, UP004, UP031
# mypy: ignore-errors
"""What Renode runs for us while a wallet runs: `include @probe.py` in the monitor.

Renode's interpreter is IronPython 2.7, with `System`, `clr` and `monitor` at hand (hence the
switches above); the unit tests run the same file on CPython with fakes. It keeps the counter page
of a machine (jiaozi_sim.machines.counters; the layout is `struct page` of machines/plugin/marks.c),
cuts the power at a chosen NVM store, and keeps a wallet that waits from running faster than its
host. Commands, each for the machine set in the monitor:

    jiaozi_wire ROLE UART PORT     put a UART on a TCP socket of this machine
    jiaozi_watch COUNTERS NVM      count from now on into that page; NVM: file for a cut
    jiaozi_cut COUNT               freeze the NVM and pause right after its COUNT-th store; 0: never
    jiaozi_refresh                 bring the instruction count in the page up to date
    jiaozi_erase_nvm, jiaozi_save_nvm FILE, jiaozi_load_nvm FILE
    jiaozi_unwatch                 count no more
"""

import sys

try:
    from struct import pack, unpack
except ImportError:  # Renode came without Python's library; this much is built in
    from _struct import pack, unpack

IDLE_ENTER, IDLE_LEAVE = 0x80, 0xC0
PHASES, RING_OFFSET, TABLE_OFFSET = 64, 4096, 128
AWAKE = 2**64 - 1
EVENT_SIZE = 32
ERASED = [0xFF]
MARK_OFFSET = 0
MOST_LATE_MS = 10


class Watch(object):
    """The counter page of one machine.

    executed() gives its CPU's own count of instructions; waits() is called when it begins to wait.
    """

    def __init__(self, path, nvm_path, executed, host_ns, waits):
        self._file = open(path, "r+b")  # noqa: SIM115
        self._executed, self._host_ns, self._waits = executed, host_ns, waits
        self.nvm_path = nvm_path
        self.cut_at = 0
        self.frozen = False
        head = unpack("<10Q", self._file.read(80))
        self._capacity = head[1]
        # A page that has counts already goes on from them: the machine comes from a snapshot.
        self._total, self._idle, self._idle_since, self.stores = head[2:6]
        self._events, self._phase, self._phase_since = head[7:10]
        self._file.seek(TABLE_OFFSET)
        self._in_phase = list(unpack("<%dQ" % PHASES, self._file.read(8 * PHASES)))
        self._last = int(executed())

    def _now(self):
        # A reset may set the CPU's own counter back to zero.
        executed = int(self._executed())
        self._total += executed - self._last if executed >= self._last else executed
        self._last = executed
        return self._total

    def marked(self, mark):
        """A store to the marker word."""
        now = self._now()
        if mark == IDLE_ENTER:
            self._idle_since = now
            self._waits()
        elif mark == IDLE_LEAVE:
            if self._idle_since != AWAKE:
                self._idle += now - self._idle_since
                self._idle_since = AWAKE
        else:
            self._begin_phase(mark, now)
        self._write_head()

    def _begin_phase(self, mark, now):
        working = now - self._idle
        slot = self._phase % PHASES
        self._in_phase[slot] += working - self._phase_since
        self._put(TABLE_OFFSET + 8 * slot, pack("<Q", self._in_phase[slot]))
        self._phase, self._phase_since = mark, working
        event = pack("<4Q", mark, now, self._idle, int(self._host_ns()))
        self._put(RING_OFFSET + self._events % self._capacity * EVENT_SIZE, event)
        self._file.flush()  # the event before the number of events, for whoever reads beside us
        self._events += 1

    def stored(self):
        """A store into the NVM; whether it is the one to cut at."""
        self.stores += 1
        self.refresh()
        return self.stores == self.cut_at

    def refresh(self):
        """Bring the count of instructions up to date."""
        self._now()
        self._write_head()

    def cut_after(self, count):
        """Cut at the `count`-th store from now; 0: never."""
        self.cut_at = self.stores + count if count else 0
        self._write_head()

    def _write_head(self):
        counts = (self._total, self._idle, self._idle_since, self.stores)
        rest = (self.cut_at, self._events, self._phase, self._phase_since)
        self._put(16, pack("<8Q", *(counts + rest)))
        self._file.flush()

    def _put(self, offset, data):
        self._file.seek(offset)
        self._file.write(data)

    def close(self):
        self._file.close()


class Clock(object):
    """How far a machine's time is behind the host's, and how that is forgiven.

    Renode makes up for all of it, however old, as soon as the processor waits: its time then runs
    at once to where the host's is, and time-outs of the firmware come before anybody who lives in
    the host's time can answer. No command changes that, but the time source has the host's part in
    a field (1.15 and 1.16).
    """

    def __init__(self, source):
        self._source = source
        self._host = _private(source, "TimeSourceBase", "hostTicksElapsed")
        if self._host is None:
            print("jiaozi: this Renode's clock is unknown; on a busy host, time-outs come early")

    def forgive(self):
        """Go on from here at the host's pace, if the machine is late."""
        now, host_now = self._source.ElapsedVirtualTime, self._source.ElapsedHostTime
        late = host_now.TotalMilliseconds - now.TotalMilliseconds
        if late > MOST_LATE_MS and self._host is not None:
            System.Threading.Monitor.Enter(self._host)  # as the time source itself does
            try:
                ticks = System.Array[System.Object]([now.Ticks])
                self._host.GetType().GetMethod("Reset").Invoke(self._host, ticks)
            finally:
                System.Threading.Monitor.Exit(self._host)


def _private(thing, class_name, field_name):
    """A private field that `thing` has from that class, or None."""
    kind = thing.GetType()
    while kind is not None and kind.Name != class_name:
        kind = kind.BaseType
    flags = System.Reflection.BindingFlags
    field = kind and kind.GetField(field_name, flags.NonPublic | flags.Instance)
    return field and field.GetValue(thing)


class Probe(object):
    """The watches of all machines, by the machine's name. Hooks reach it as `sys.jiaozi`."""

    def __init__(self):
        self.watches = {}
        self.hooked = {}  # the machine that has our hooks, by its name

    def marked(self, machine, offset, value):
        """Hook: before a store to the marker page."""
        watch = self.watches.get(str(machine))
        if watch is not None and not watch.frozen and int(offset) == MARK_OFFSET:
            watch.marked(int(value))

    def stored(self, machine, nvm, offset, value):
        """Hook: before a store to the NVM; returns what is to be stored."""
        watch = self.watches.get(str(machine))
        if watch is None:
            return value
        if watch.frozen:  # without power; what is there stays
            return System.UInt64(nvm.ReadDoubleWord(offset))
        # Stored before it is counted: who sees the count finds it in the memory.
        nvm.WriteDoubleWord(offset, System.UInt32(value))
        if watch.stored():
            watch.frozen = True
            save(nvm, watch.nvm_path)
            machine.PauseAndRequestEmulationPause(True)
        return value


# IronPython looks only in the assemblies it was told of, and .NET moves its classes about: File and
# Stopwatch are not everywhere where FileStream is.
if not hasattr(System.Diagnostics, "Stopwatch"):
    clr.AddReference("System.Runtime.Extensions")


def save(memory, path):
    """Write the whole of a memory to a file."""
    file = System.IO.FileStream(path, System.IO.FileMode.Create)
    try:
        file.Write(memory.ReadBytes(0, int(memory.Size)), 0, int(memory.Size))
    finally:
        file.Close()


def load(memory, path):
    """Fill a memory from its beginning with what is in a file."""
    file = System.IO.FileStream(path, System.IO.FileMode.Open)
    try:
        data = System.Array.CreateInstance(System.Byte, file.Length)
        memory.WriteBytes(0, data, 0, file.Read(data, 0, data.Length))
    finally:
        file.Close()


def host_ns():
    """The host's monotonic clock."""
    watch = System.Diagnostics.Stopwatch
    return int(watch.GetTimestamp()) * 1000000000 // int(watch.Frequency)


def _run(command):
    # Parse has written down what is wrong; without an exception a script would go on.
    if not monitor.Parse(command):
        raise Exception("the monitor refuses: %s" % command)


def mc_jiaozi_wire(role, uart, port):
    name = "%s_%s_%d" % (str(monitor.Machine).replace("-", "_"), role, int(port))
    _run('emulation CreateServerSocketTerminal %d "%s" false' % (int(port), name))
    _run("connector Connect sysbus.%s %s" % (uart, name))


def mc_jiaozi_watch(counters, nvm_path):
    machine = monitor.Machine
    name = str(machine)
    mc_jiaozi_unwatch()
    cpu = machine["sysbus.cpu"]
    clock = Clock(machine.LocalTimeSource)
    sys.jiaozi.watches[name] = Watch(
        counters, nvm_path, lambda: cpu.ExecutedInstructions, host_ns, clock.forgive
    )
    if sys.jiaozi.hooked.get(name) is not machine:
        sys.jiaozi.hooked[name] = machine
        hook = 'sysbus SetHookBeforePeripheralWrite sysbus.%s "%s"'
        _run(hook % ("marks", "sys.jiaozi.marked(machine, offset, value)"))
        _run(hook % ("nvm", "value = sys.jiaozi.stored(machine, self, offset, value)"))


def mc_jiaozi_rewatch(counters, nvm_path):
    """After `Load`, whose machine brings its hooks along."""
    sys.jiaozi.hooked[str(monitor.Machine)] = monitor.Machine
    mc_jiaozi_watch(counters, nvm_path)


def mc_jiaozi_unwatch():
    watch = sys.jiaozi.watches.pop(str(monitor.Machine), None)
    if watch is not None:
        watch.close()


def mc_jiaozi_cut(count):
    sys.jiaozi.watches[str(monitor.Machine)].cut_after(int(count))


def mc_jiaozi_refresh():
    sys.jiaozi.watches[str(monitor.Machine)].refresh()


def mc_jiaozi_erase_nvm():
    """As it leaves the factory; Renode's memory begins as zeros."""
    nvm = monitor.Machine["sysbus.nvm"]
    data = System.Array[System.Byte](ERASED * int(nvm.Size))
    nvm.WriteBytes(0, data, 0, data.Length)


def mc_jiaozi_save_nvm(path):
    save(monitor.Machine["sysbus.nvm"], path)


def mc_jiaozi_load_nvm(path):
    load(monitor.Machine["sysbus.nvm"], path)


# Included again by every script; what is counted goes on.
if not hasattr(sys, "jiaozi"):
    sys.jiaozi = Probe()
