# ruff: noqa: F821, UP004, UP031
# mypy: ignore-errors
"""Code that runs inside Renode: `include @probe.py` in the monitor.

Renode's interpreter is IronPython 2.7, with `System`, `clr` and `monitor` predefined (hence the
switches above); the unit tests run the same file on CPython with fakes. It keeps the counter page
of a machine (jiaozi_sim.machines.counters; the layout is `struct page` of plugin/marks_page.h),
cuts the power at a chosen NVM store, and prevents an idle wallet from running faster than the host.
Commands, each for the machine set in the monitor:

    jiaozi_wire ROLE UART PORT     put a UART on a TCP socket of this machine
    jiaozi_watch COUNTERS NVM      start counting into that page; NVM: file for a cut
    jiaozi_cut COUNT               freeze the NVM and pause right after its COUNT-th store; 0: never
    jiaozi_refresh                 update the instruction count in the page
    jiaozi_erase_nvm, jiaozi_save_nvm FILE, jiaozi_load_nvm FILE
                                   the key page is saved and loaded with it, in FILE.key
    jiaozi_unwatch                 stop counting
"""

import sys

try:
    from struct import pack, unpack
except ImportError:  # Renode came without Python's library; this module is built in
    from _struct import pack, unpack

IDLE_ENTER, IDLE_LEAVE = 0x80, 0xC0
PHASES, RING_OFFSET, TABLE_OFFSET = 64, 4096, 128
AWAKE = 2**64 - 1
EVENT_SIZE = 32
ERASED = [0xFF]
KEY_SUFFIX = ".key"
MARK_OFFSET = 0
MAX_LAG_MS = 10


class Watch(object):
    """The counter page of one machine.

    executed() returns its CPU's count of instructions; idle() is called when it becomes idle.
    """

    def __init__(self, path, nvm_path, executed, host_ns, idle):
        self._file = open(path, "r+b")  # noqa: SIM115
        self._executed, self._host_ns, self._becomes_idle = executed, host_ns, idle
        self.nvm_path = nvm_path
        self.cut_at = 0
        self.frozen = False
        head = unpack("<10Q", self._file.read(80))
        self._capacity = head[1]
        # If the page has counts already, continue from them: the machine comes from a snapshot.
        self._total, self._idle, self._idle_since, self.stores = head[2:6]
        self._events, self._phase, self._phase_since = head[7:10]
        self._file.seek(TABLE_OFFSET)
        self._in_phase = list(unpack("<%dQ" % PHASES, self._file.read(8 * PHASES)))
        self._last = int(executed())

    def _now(self):
        # A reset may clear the CPU's own counter.
        executed = int(self._executed())
        self._total += executed - self._last if executed >= self._last else executed
        self._last = executed
        return self._total

    def marked(self, mark):
        """Count a store to the marker word."""
        now = self._now()
        if mark == IDLE_ENTER:
            self._idle_since = now
            self._becomes_idle()
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
        self._file.flush()  # the event before the number of events: others read the page live
        self._events += 1

    def stored(self):
        """Count a store into the NVM; True if it is the one to cut at."""
        self.stores += 1
        self.refresh()
        return self.stores == self.cut_at

    def refresh(self):
        """Update the count of instructions."""
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
    """A machine's lag behind the host's time, which can be dropped.

    Renode makes up for all lag as soon as the processor is idle: virtual time then jumps to the
    host's, and time-outs of the firmware expire before a peer in the host's time can answer. There
    is no command to change that, but the time source has the host's time in a field (1.15, 1.16).
    """

    def __init__(self, source):
        self._source = source
        self._host = _private(source, "TimeSourceBase", "hostTicksElapsed")
        if self._host is None:
            print("jiaozi: this Renode's clock is unknown; on a busy host, time-outs expire early")

    def drop_lag(self):
        """Continue at the host's pace, without catching up, if the machine is late."""
        now, host_now = self._source.ElapsedVirtualTime, self._source.ElapsedHostTime
        late = host_now.TotalMilliseconds - now.TotalMilliseconds
        if late > MAX_LAG_MS and self._host is not None:
            System.Threading.Monitor.Enter(self._host)  # as the time source itself does
            try:
                ticks = System.Array[System.Object]([now.Ticks])
                self._host.GetType().GetMethod("Reset").Invoke(self._host, ticks)
            finally:
                System.Threading.Monitor.Exit(self._host)


def _private(thing, class_name, field_name):
    """Return a private field that `thing` has from that class, or None."""
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
        """Hook before a store to the marker page."""
        watch = self.watches.get(str(machine))
        if watch is not None and not watch.frozen and int(offset) == MARK_OFFSET:
            watch.marked(int(value))

    def stored(self, machine, nvm, offset, value):
        """Hook before a store to the NVM; return the value to store."""
        watch = self.watches.get(str(machine))
        if watch is None:
            return value
        if watch.frozen:  # without power: keep the old value
            return System.UInt64(nvm.ReadDoubleWord(offset))
        # Store before counting, so that a reader who sees the count finds the value in memory.
        nvm.WriteDoubleWord(offset, System.UInt32(value))
        if watch.stored():
            watch.frozen = True
            save_memories(machine, watch.nvm_path)
            machine.PauseAndRequestEmulationPause(True)
        return value


# IronPython searches loaded assemblies only, and .NET versions place classes differently: File and
# Stopwatch are not always beside FileStream.
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


def save_memories(machine, path):
    """Write what survives without power: the NVM to `path`, the key page beside it."""
    save(machine["sysbus.nvm"], path)
    save(machine["sysbus.key"], path + KEY_SUFFIX)


def host_ns():
    """Return the host's monotonic time."""
    watch = System.Diagnostics.Stopwatch
    return int(watch.GetTimestamp()) * 1000000000 // int(watch.Frequency)


def _run(command):
    # Parse has printed the error; without an exception the script would continue.
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
        counters, nvm_path, lambda: cpu.ExecutedInstructions, host_ns, clock.drop_lag
    )
    if sys.jiaozi.hooked.get(name) is not machine:
        sys.jiaozi.hooked[name] = machine
        hook = 'sysbus SetHookBeforePeripheralWrite sysbus.%s "%s"'
        _run(hook % ("marks", "sys.jiaozi.marked(machine, offset, value)"))
        _run(hook % ("nvm", "value = sys.jiaozi.stored(machine, self, offset, value)"))


def mc_jiaozi_rewatch(counters, nvm_path):
    """Watch a machine after `Load`, which restores its hooks."""
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
    """Erase the NVM: Renode's memory starts as zeros."""
    nvm = monitor.Machine["sysbus.nvm"]
    data = System.Array[System.Byte](ERASED * int(nvm.Size))
    nvm.WriteBytes(0, data, 0, data.Length)


def mc_jiaozi_save_nvm(path):
    save_memories(monitor.Machine, path)


def mc_jiaozi_load_nvm(path):
    load(monitor.Machine["sysbus.nvm"], path)
    load(monitor.Machine["sysbus.key"], path + KEY_SUFFIX)


# Every script includes this file again; the counting must go on.
if not hasattr(sys, "jiaozi"):
    sys.jiaozi = Probe()
