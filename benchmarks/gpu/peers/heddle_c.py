"""Calls packages through the runtime's C interface, with nothing but ctypes."""

import ctypes

# Elements, as heddle-c/Runtime.h numbers them.
TYPES = {1: "int8", 3: "int32", 6: "float8_e4m3fn", 7: "float8_e5m2", 8: "bfloat16", 9: "float16", 10: "float32"}
IN, OUT, IN_OUT = 0, 1, 2


class HeddleError(RuntimeError):
    """What an error object of the library says."""


class _Sized(ctypes.Structure):
    def __init__(self, **values):
        super().__init__(struct_size=ctypes.sizeof(type(self)), **values)


class HostInfo(_Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p),
                ("size_count", ctypes.c_size_t), ("buffer_count", ctypes.c_size_t)]


class PackageInfo(_Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("producer", ctypes.c_char_p),
                ("target", ctypes.c_char_p), ("host_count", ctypes.c_size_t), ("kernel_count", ctypes.c_size_t),
                ("has_reference", ctypes.c_int32)]


class BufferInfo(_Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("type", ctypes.c_int32),
                ("access", ctypes.c_int32), ("rank", ctypes.c_int32)]


class Array(_Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("type", ctypes.c_int32),
                ("rank", ctypes.c_int32), ("address", ctypes.c_uint64), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("is_read_only", ctypes.c_int32)]


class Size(_Sized):
    _fields_ = [("struct_size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("value", ctypes.c_int64)]


class Library:
    """libheddle-runtime.so."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        self.c.heddle_error_message.restype = ctypes.c_char_p
        self.c.heddle_error_message.argtypes = [ctypes.c_void_p]
        self.c.heddle_error_free.argtypes = [ctypes.c_void_p]
        self.c.heddle_error_free.restype = None

    def call(self, name, *arguments):
        """Calls a function that returns an error or NULL."""
        function = getattr(self.c, name)
        function.restype = ctypes.c_void_p
        error = function(*arguments)
        if error:
            message = self.c.heddle_error_message(error).decode(errors="replace")
            self.c.heddle_error_free(error)
            raise HeddleError(message)

    def make(self, name, *arguments):
        """Calls a function whose last argument receives an object."""
        result = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(result))
        return result


class Buffer:
    """What a host function says of a buffer: its shape has numbers and names."""

    def __init__(self, name, type, access, shape):
        self.name, self.type, self.access, self.shape = name, type, access, shape


class Program:
    """A host function of a package on a device. Objects live until the process
    ends."""

    def __init__(self, library, device, package, host):
        self.library = library
        self.device = device
        self.host = host.encode()
        self.package = library.make("heddle_package_open", package.encode())
        self.executable = library.make("heddle_executable_load", device, self.package)
        self.buffers = self._find_buffers()

    def _find_buffers(self):
        info = PackageInfo()
        self.library.call("heddle_package_get_info", self.package, ctypes.byref(info))
        for number in range(info.host_count):
            host = HostInfo()
            at = ctypes.c_size_t(number)
            self.library.call("heddle_package_get_host", self.package, at, ctypes.byref(host))
            if host.name == self.host:
                return [self._buffer(at, ctypes.c_size_t(i)) for i in range(host.buffer_count)]
        raise HeddleError(f"the package has no host function '{self.host.decode()}'")

    def _buffer(self, host, number):
        info = BufferInfo()
        self.library.call("heddle_package_get_buffer", self.package, host, number, ctypes.byref(info))
        shape = []
        for dimension in range(info.rank):
            size, extent = ctypes.c_char_p(), ctypes.c_int64()
            self.library.call("heddle_package_get_extent", self.package, host, number, ctypes.c_int32(dimension),
                              ctypes.byref(size), ctypes.byref(extent))
            shape.append(size.value.decode() if size.value else extent.value)
        return Buffer(info.name.decode(), info.type, info.access, shape)

    def shapes(self, sizes):
        """The shape of each buffer."""
        return {buffer.name: [sizes[extent] if isinstance(extent, str) else extent for extent in buffer.shape]
                for buffer in self.buffers}

    def bind(self, addresses, sizes, stream=None):
        """A function that calls the program on these addresses."""
        shapes = self.shapes(sizes)
        arrays = (Array * len(self.buffers))()
        for array, buffer in zip(arrays, self.buffers):
            shape = shapes[buffer.name]
            array.struct_size = ctypes.sizeof(Array)
            array.name, array.type, array.rank = buffer.name.encode(), buffer.type, len(shape)
            array.address = addresses[buffer.name]
            array.shape = (ctypes.c_int64 * len(shape))(*shape)
        values = (Size * len(sizes))()
        for value, (name, number) in zip(values, sizes.items()):
            value.struct_size, value.name, value.value = ctypes.sizeof(Size), name.encode(), number
        arguments = (self.executable, self.host, arrays, ctypes.c_size_t(len(arrays)), values,
                     ctypes.c_size_t(len(values)), stream)
        return lambda: self.library.call("heddle_executable_call", *arguments)
