// Decodes JPEG files to RGB with libjpeg-turbo's own interface, one after another. Usage: jpeg FILES...
#include "contender.h"
#include <turbojpeg.h>

struct file {
    unsigned char *bytes, *pixels;
    unsigned long length;
    int width, height;
};

struct files {
    struct file *all;
    int count;
    tjhandle decoder;
};

static void decode_all(void *state) {
    struct files *files = state;
    for (int i = 0; i < files->count; i++) {
        struct file *f = &files->all[i];
        if (tjDecompress2(files->decoder, f->bytes, f->length, f->pixels, f->width, 0, f->height, TJPF_RGB, 0) != 0) {
            fprintf(stderr, "%s\n", tjGetErrorStr2(files->decoder));
            exit(1);
        }
    }
}

int main(int count, char **paths) {
    struct files files = {calloc(count, sizeof(struct file)), count - 1, tjInitDecompress()};
    for (int i = 0; i < files.count; i++) {
        struct file *f = &files.all[i];
        FILE *stream = fopen(paths[i + 1], "rb");
        if (!stream)
            return NOT_SET_UP;
        fseek(stream, 0, SEEK_END);
        f->length = ftell(stream);
        rewind(stream);
        f->bytes = malloc(f->length);
        int subsampling, colours;
        if (fread(f->bytes, 1, f->length, stream) != f->length || tjDecompressHeader3(files.decoder, f->bytes, f->length, &f->width, &f->height, &subsampling, &colours) != 0)
            return 1;
        fclose(stream);
        f->pixels = malloc((size_t)f->width * f->height * 3);
    }

    decode_all(&files);
    double mean = 0;
    for (int i = 0; i < files.count; i++) {
        double sum = 0;
        size_t values = (size_t)files.all[i].width * files.all[i].height * 3;
        for (size_t k = 0; k < values; k++)
            sum += files.all[i].pixels[k];
        mean += sum / values / files.count;
    }

    serve("libjpeg-turbo", mean, decode_all, &files);
}
