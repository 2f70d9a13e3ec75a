// One matrix product. Usage: gemm packed|plain|openblas NN|NT|TN M N K BATCH THREADS
// packed: oneDNN's matmul primitive, which stores the second matrix of a single product in a layout of its own choice beforehand (not counted).
// plain: dnnl_sgemm on row-major matrices. openblas: cblas_sgemm, loaded at run time.
#include "contender.h"
#include <dlfcn.h>
#include <omp.h>
#include <cmath>
#include <dnnl.hpp>
#include <functional>
#include <string>
#include <vector>

using dnnl::memory;
using Sgemm = void (*)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

struct Product {
    bool transpose_a, transpose_b;
    int m, n, k, batch;
    float *a, *b, *y;
    int stride_a() const { return transpose_a ? m : k; }
    int stride_b() const { return transpose_b ? k : n; }
};

static float *filled(size_t count, int period) {
    float *values = static_cast<float *>(std::aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64));
    for (size_t i = 0; i < count; i++)
        values[i] = static_cast<float>(i % period) / period - 0.4f;
    return values;
}

static std::function<void()> packed(const Product &p) {
    using tag = memory::format_tag;
    static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    static dnnl::stream stream(engine);
    memory::dims a{p.m, p.k}, b{p.k, p.n}, y{p.m, p.n};
    tag tag_a = p.transpose_a ? tag::ba : tag::ab, tag_b = p.transpose_b ? tag::ba : tag::ab, tag_y = tag::ab;
    if (p.batch > 1) {
        a.insert(a.begin(), p.batch), b.insert(b.begin(), p.batch), y.insert(y.begin(), p.batch);
        tag_a = p.transpose_a ? tag::acb : tag::abc, tag_b = p.transpose_b ? tag::acb : tag::abc, tag_y = tag::abc;
    }

    // Weights can be stored beforehand; what changes with every call (gradients, keys, values) cannot.
    bool weights = p.batch == 1 && !p.transpose_a;
    auto type = memory::data_type::f32;
    memory::desc given_a(a, type, tag_a), given_b(b, type, tag_b), given_y(y, type, tag_y);
    dnnl::matmul::primitive_desc description(dnnl::matmul::desc(given_a, weights ? memory::desc(b, type, tag::any) : given_b, given_y), engine);
    memory source(given_a, engine, p.a), plain(given_b, engine, p.b), result(given_y, engine, p.y), stored = plain;
    if (description.weights_desc() != given_b) {
        stored = memory(description.weights_desc(), engine);
        dnnl::reorder(plain, stored).execute(stream, plain, stored);
        stream.wait();
    }

    dnnl::matmul primitive(description);
    return [=]() mutable {
        primitive.execute(stream, {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, stored}, {DNNL_ARG_DST, result}});
        stream.wait();
    };
}

static std::function<void()> repeated(const Product &p, std::function<void(const float *, const float *, float *)> one) {
    return [=] {
        for (int i = 0; i < p.batch; i++)
            one(p.a + static_cast<size_t>(i) * p.m * p.k, p.b + static_cast<size_t>(i) * p.k * p.n, p.y + static_cast<size_t>(i) * p.m * p.n);
    };
}

static std::function<void()> openblas(const Product &p, int threads) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(NOT_SET_UP);
    }

    auto sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
    reinterpret_cast<void (*)(int)>(dlsym(library, "openblas_set_num_threads"))(threads);
    return repeated(p, [=](const float *a, const float *b, float *y) {
        sgemm(101, p.transpose_a ? 112 : 111, p.transpose_b ? 112 : 111, p.m, p.n, p.k, 1, a, p.stride_a(), b, p.stride_b(), 0, y, p.n);
    });
}

// One element of the last matrix, in double precision.
static double expected(const Product &p, int row, int column) {
    const float *a = p.a + static_cast<size_t>(p.batch - 1) * p.m * p.k, *b = p.b + static_cast<size_t>(p.batch - 1) * p.k * p.n;
    double sum = 0;
    for (size_t i = 0; i < static_cast<size_t>(p.k); i++)
        sum += static_cast<double>(p.transpose_a ? a[i * p.m + row] : a[static_cast<size_t>(row) * p.k + i]) *
               (p.transpose_b ? b[static_cast<size_t>(column) * p.k + i] : b[i * p.n + column]);
    return sum;
}

int main(int count, char **arguments) {
    if (count != 8)
        return 2;
    std::string library = arguments[1], kind = arguments[2];
    Product p{kind[0] == 'T', kind[1] == 'T', atoi(arguments[3]), atoi(arguments[4]), atoi(arguments[5]), atoi(arguments[6]), nullptr, nullptr, nullptr};
    int threads = atoi(arguments[7]);
    omp_set_num_threads(threads);
    p.a = filled(static_cast<size_t>(p.batch) * p.m * p.k, 17);
    p.b = filled(static_cast<size_t>(p.batch) * p.k * p.n, 13);
    p.y = filled(static_cast<size_t>(p.batch) * p.m * p.n, 7);
    std::function<void()> work = library == "packed" ? packed(p) : library == "openblas" ? openblas(p, threads) : repeated(p, [=](const float *a, const float *b, float *y) {
        dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1, a, p.stride_a(), b, p.stride_b(), 0, y, p.n);
    });
    work();
    int row = p.m - 1, column = p.n - 2;
    double value = p.y[(static_cast<size_t>(p.batch - 1) * p.m + row) * p.n + column], reference = expected(p, row, column);
    if (std::fabs(value - reference) > 1e-4 * p.k) {
        fprintf(stderr, "element [%d, %d] is %g, not %g\n", row, column, value, reference);
        return 1;
    }

    std::string version = "OpenBLAS";
    if (library != "openblas") {
        const dnnl_version_t *v = dnnl_version();
        version = "oneDNN " + std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
    }

    serve(version.c_str(), value, [](void *state) { (*static_cast<std::function<void()> *>(state))(); }, &work);
}
