# SPDX-License-Identifier: GPL-2.0
#
# What Python's mmap module makes of a slot:
#
#	mapping.py NODE BACKING		tests, a line "ok NAME" or "not ok NAME" each
#	mapping.py --hold NODE w|r	map it, print "ready" and stay (for a debugger)
#
# The slot has SIZE bytes. Exit status 0 when the tests ran, whatever their outcome.
import errno
import mmap
import os
import signal
import sys
import traceback

SIZE = 262144
PAGE = mmap.PAGESIZE


def opened(flags=os.O_RDWR):
    return os.open(NODE, flags | os.O_CLOEXEC)


def mapped(fd=None, **kwargs):
    own = fd is None
    if own:
        fd = opened()
    try:
        return mmap.mmap(fd, kwargs.pop("length", SIZE), **kwargs)
    finally:
        if own:
            os.close(fd)


def refused(number, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except OSError as error:
        assert error.errno == number, error
    else:
        raise AssertionError("it was not refused")


def slices():
    with mapped() as m:
        assert len(m) == SIZE
        m[:] = bytes(i & 0xFF for i in range(SIZE))
        assert m[PAGE - 2 : PAGE + 2] == b"\xfe\xff\x00\x01"
        m[PAGE - 2 : PAGE + 2] = b"edge"
        m[10:20:3] = b"abcd"
        assert m[10:20:3] == b"abcd" and m[-1] == 0xFF
    with open(NODE, "rb") as f:
        f.seek(PAGE - 2)
        assert f.read(4) == b"edge"
        assert len(f.read()) == SIZE - PAGE - 2


def file_methods():
    with mapped() as m:
        m.seek(100)
        m.write(b"one\ntwo\n")
        m.seek(100)
        assert m.readline() == b"one\n" and m.readline() == b"two\n"
        assert m.find(b"two", 0) == 104 and m.rfind(b"two", 0) == 104
        m.seek(-1, os.SEEK_END)
        m.write_byte(7)
        assert m[SIZE - 1] == 7 and m.tell() == SIZE
        m.move(200, 100, 8)
        assert m[200:208] == b"one\ntwo\n"


def flush():
    with mapped() as m:
        m[:PAGE] = b"f" * PAGE
        m.flush()
        m.flush(0, PAGE)
        fd = opened(os.O_RDONLY)
        assert os.pread(fd, PAGE, 0) == b"f" * PAGE
        os.fsync(fd)
        os.close(fd)


def two_mappings():
    with mapped() as one, mapped(offset=PAGE, length=PAGE) as other:
        one[PAGE : PAGE + 4] = b"seen"
        assert other[:4] == b"seen"
        other[PAGE - 1] = 42
        assert one[2 * PAGE - 1] == 42


def forked_child():
    with mapped() as m:
        m[0:6] = b"parent"
        pid = os.fork()
        if pid == 0:
            try:
                assert m[0:6] == b"parent"
                m[0:6] = b"child!"
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
        assert m[0:6] == b"child!"


def read_only():
    fd = opened(os.O_RDONLY)
    with mapped(fd, access=mmap.ACCESS_READ) as m:
        m[0]
        try:
            m[0] = 1
            raise AssertionError("stored in a read-only mapping")
        except TypeError:
            pass
    refused(errno.EACCES, mapped, fd, access=mmap.ACCESS_WRITE)
    os.close(fd)


def bounds():
    refused(errno.EINVAL, mapped, length=SIZE + 1)
    refused(errno.EINVAL, mapped, length=2 * PAGE, offset=SIZE - PAGE)
    refused(errno.EINVAL, mapped, length=PAGE, offset=SIZE)
    with mapped(length=PAGE, offset=SIZE - PAGE) as m:
        m[PAGE - 1] = 1


def executable():
    refused(errno.EPERM, mapped, prot=mmap.PROT_READ | mmap.PROT_EXEC)


def private():
    if BACKING == "kmalloc":
        refused(errno.EINVAL, mapped, access=mmap.ACCESS_COPY)
        return
    with mapped() as m, mapped(access=mmap.ACCESS_COPY) as copy:
        m[0:4] = b"both"
        assert copy[0:4] == b"both"
        copy[0:4] = b"mine"
        assert m[0:4] == b"both"


def advice():
    with mapped() as m:
        m[0:4] = b"stay"
        for name in "MADV_NORMAL", "MADV_SEQUENTIAL", "MADV_WILLNEED", "MADV_DONTNEED":
            try:
                m.madvise(getattr(mmap, name))
            except OSError as error:
                assert error.errno == errno.EINVAL, (name, error)
            assert m[0:4] == b"stay", name


def grown_and_shrunk():
    # The module's resize() truncates the file, which a device refuses.
    with mapped() as m:
        refused(errno.EINVAL, m.resize, PAGE)
        m[0:4] = b"kept"
        size = "/sys/class/kshram/%s/size" % os.path.basename(NODE)
        with open(size, "w") as f:
            f.write(str(PAGE))
        assert m[0:4] == b"kept"
        pid = os.fork()
        if pid == 0:
            m[PAGE]
            os._exit(0)
        status = os.waitpid(pid, 0)[1]
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGBUS, status
        with open(size, "w") as f:
            f.write(str(SIZE))
        assert m[0:4] == b"kept" and m[PAGE:] == bytes(SIZE - PAGE)


def many():
    maps = [mapped() for _ in range(200)]
    maps[0][5] = 55
    assert all(m[5] == 55 for m in maps)
    for m in maps:
        m.close()


if sys.argv[1] == "--hold":
    NODE = sys.argv[2]
    if sys.argv[3] == "w":
        held = mapped()
    else:
        held = mapped(opened(os.O_RDONLY), access=mmap.ACCESS_READ)
    print("ready", flush=True)
    signal.pause()
NODE, BACKING = sys.argv[1:]
for test in (slices, file_methods, flush, two_mappings, forked_child, read_only, bounds,
             executable, private, advice, grown_and_shrunk, many):
    try:
        test()
        print("ok", test.__name__)
    except Exception:
        print("not ok", test.__name__)
        traceback.print_exc()
