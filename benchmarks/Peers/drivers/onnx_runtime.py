"""ONNX Runtime from Python: the onnxruntime package where it is installed, otherwise its C API over the library that npm's onnxruntime-node ships."""
import ctypes
import glob
import os

import numpy as np

from contender import PEERS, not_set_up

# Positions in the function table of the C API; they never change. API version 11 is enough for all of them.
API_VERSION = 11
GET_ERROR_MESSAGE, CREATE_ENVIRONMENT, CREATE_SESSION, RUN = 2, 3, 7, 9
CREATE_OPTIONS, SET_OPTIMIZATION, SET_INTRA_THREADS, SET_INTER_THREADS = 10, 23, 24, 25
CREATE_TENSOR, GET_DATA, CREATE_MEMORY_INFO, RELEASE_VALUE = 49, 51, 69, 96
ALL_OPTIMIZATIONS, FLOAT = 99, 1


class ApiBase(ctypes.Structure):
    _fields_ = [("get_api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)), ("get_version", ctypes.CFUNCTYPE(ctypes.c_char_p))]


class LibrarySession:
    """One model; every call throws with the library's message if it fails."""

    def __init__(self, path, threads):
        found = glob.glob(os.path.join(PEERS, "ort/node_modules/onnxruntime-node/bin/napi-v*/linux/x64/libonnxruntime.so.1"))
        if not found:
            not_set_up("onnxruntime is missing")
        library = ctypes.CDLL(found[0])
        library.OrtGetApiBase.restype = ctypes.POINTER(ApiBase)
        base = library.OrtGetApiBase().contents
        self.version = base.get_version().decode()
        self.table = ctypes.cast(base.get_api(API_VERSION), ctypes.POINTER(ctypes.c_void_p))
        self.release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(self.table[RELEASE_VALUE])
        environment, self.memory, options, self.handle = (ctypes.c_void_p() for _ in range(4))
        self.call(CREATE_ENVIRONMENT, ctypes.c_int(3), ctypes.c_char_p(b"peers"), ctypes.byref(environment))
        self.call(CREATE_MEMORY_INFO, ctypes.c_int(0), ctypes.c_int(0), ctypes.byref(self.memory))
        self.call(CREATE_OPTIONS, ctypes.byref(options))
        self.call(SET_OPTIMIZATION, options, ctypes.c_int(ALL_OPTIMIZATIONS))
        self.call(SET_INTRA_THREADS, options, ctypes.c_int(threads))
        self.call(SET_INTER_THREADS, options, ctypes.c_int(1))
        self.call(CREATE_SESSION, environment, ctypes.c_char_p(path.encode()), options, ctypes.byref(self.handle))

    def call(self, position, *arguments):
        types = [ctypes.c_void_p if type(value).__name__ == "CArgObject" else type(value) for value in arguments]
        status = ctypes.CFUNCTYPE(ctypes.c_void_p, *types)(self.table[position])(*arguments)
        if status:
            raise RuntimeError(ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)(self.table[GET_ERROR_MESSAGE])(status).decode())

    def run(self, x, shape):
        """The output 'y' of the input 'x', which has to stay alive and contiguous."""
        value, sides = ctypes.c_void_p(), (ctypes.c_int64 * x.ndim)(*x.shape)
        self.call(CREATE_TENSOR, self.memory, ctypes.c_void_p(x.ctypes.data), ctypes.c_size_t(x.nbytes), ctypes.cast(sides, ctypes.c_void_p),
                  ctypes.c_size_t(x.ndim), ctypes.c_int(FLOAT), ctypes.byref(value))
        names_in, names_out = (ctypes.c_char_p * 1)(b"x"), (ctypes.c_char_p * 1)(b"y")
        inputs, outputs = (ctypes.c_void_p * 1)(value.value), (ctypes.c_void_p * 1)(None)
        self.call(RUN, self.handle, ctypes.c_void_p(None), ctypes.cast(names_in, ctypes.c_void_p), ctypes.cast(inputs, ctypes.c_void_p), ctypes.c_size_t(1),
                  ctypes.cast(names_out, ctypes.c_void_p), ctypes.c_size_t(1), ctypes.cast(outputs, ctypes.c_void_p))
        output, data = ctypes.c_void_p(outputs[0]), ctypes.c_void_p()
        self.call(GET_DATA, output, ctypes.byref(data))
        result = np.ctypeslib.as_array(ctypes.cast(data, ctypes.POINTER(ctypes.c_float)), shape).copy()
        self.release(output)
        self.release(value)
        return result


class PackageSession:
    """The same over the onnxruntime package."""

    def __init__(self, package, path, threads):
        self.version = package.__version__
        options = package.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        self.session = package.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(self, x, shape):
        return self.session.run(["y"], {"x": x})[0].reshape(shape)


def open_session(path, threads):
    """A session with all graph optimisations."""
    if not os.path.exists(path):
        not_set_up(f"{os.path.basename(path)} is missing")
    try:
        import onnxruntime
    except ImportError:
        return LibrarySession(path, threads)
    return PackageSession(onnxruntime, path, threads)
