# bnai: Bayesian networks inside PostgreSQL.
#
# `make demo` and `make test` need nothing but make: they install what is
# missing and work on a private server.  `make && sudo make install` builds for
# the server that pg_config belongs to.

EXTENSION  = bnai
MODULE_big = bnai
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" bnai.control)

OBJS       = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
INCLUDED   = $(wildcard src/*.h src/*/*.h)
SQL_PARTS  = $(sort $(wildcard src/sql/*.sql))
DATA_built = bnai--$(EXTVERSION).sql
DATA       = $(wildcard sql/released/bnai--*.sql sql/upgrade/bnai--*.sql)

REGRESS      = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --inputdir=. --load-extension=bnai
ifneq ($(wildcard test/isolation/specs/*.spec),)
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=bnai
endif
EXTRA_CLEAN  = families.so .build/flags .build/parts results output_iso regression.diffs regression.out

# -ffp-contract=off: an answer must not depend on the processor that gives it.
PG_CPPFLAGS = -Isrc
PG_CFLAGS   = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wno-clobbered \
              -ffp-contract=off $(if $(WERROR),-Werror)

# Netlib's static archives start no threads inside a backend, which whatever
# stands behind -llapack may do.  Hidden symbols keep another library's LAPACK
# in the same process from taking our calls.
LAPACK_ARCHIVES := $(firstword $(wildcard /usr/lib/*-linux-gnu*/lapack/liblapack.a)) \
                   $(firstword $(wildcard /usr/lib/*-linux-gnu*/blas/libblas.a))
LIBGFORTRAN := $(filter /%,$(shell gcc -print-file-name=libgfortran.so 2>/dev/null))
ifeq ($(words $(LAPACK_ARCHIVES) $(LIBGFORTRAN)),3)
LAPACK_LIBS ?= $(LAPACK_ARCHIVES) -lgfortran -Wl,--exclude-libs,ALL
else
LAPACK_LIBS ?= -llapack -lblas
endif

# What PostgreSQL looks up by name is all that others in the same process see of the library: theirs and our functions
# may have the same names.  A LAPACK in a library of its own must find our error handler.
EXPORTS    = .build/exports
SHLIB_LINK = $(LAPACK_LIBS) -lm -Wl,--version-script=$(EXPORTS)

# No bitcode: it lets PostgreSQL inline small functions into a compiled query, of
# which there are none here, and takes clang and as long again to build.
override with_llvm = no

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h),)
include $(PGXS)

# The vector kernels may fuse multiply and add: they gain half of their speed by it.
src/numerics/kernels_%.o: override CFLAGS += -O3 -ffp-contract=fast

# Loops over registers are to be unrolled.
src/numerics/blocked.o: override CFLAGS += -O3

bnai--$(EXTVERSION).sql: $(SQL_PARTS) bnai.control .build/parts
	cat $(SQL_PARTS) > $@

$(OBJS): $(INCLUDED) .build/flags
$(shlib): .build/parts $(EXPORTS)

$(EXPORTS): $(OBJS:.o=.c) $(INCLUDED) Makefile .build/parts
	@{ echo '{ global: Pg_magic_func; _PG_init;'; \
		grep -ohE '\<PG_FUNCTION_INFO_V1\(\w+' $(OBJS:.o=.c) | sed -E 's/.*\((.*)/\1; pg_finfo_\1;/'; \
		sed -nE 's/^extern PGDLLEXPORT \w+ +(\w+)\(.*/\1;/p' $(INCLUDED) $(OBJS:.o=.c); \
		echo '$(if $(filter -llapack,$(LAPACK_LIBS)),xerbla_; )local: *; };'; } > $@

# Files that say what the last build was made with; only a change touches them.
.build/flags: WAS = $(EXTVERSION) $(shell $(PG_CONFIG) --version) $(CC) $(CPPFLAGS) $(CFLAGS)
.build/parts: WAS = $(OBJS) $(SQL_PARTS) $(SHLIB_LINK)
.build/flags .build/parts: FORCE
	@mkdir -p .build
	@echo '$(subst ','\'',$(WAS))' | cmp -s - $@ || echo '$(subst ','\'',$(WAS))' > $@

# For tests: the library with the families of a folder beside its own.
families.so: $(OBJS) $(EXPORTS) $(wildcard $(FAMILIES)/*)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_SL) -DMORE_FAMILIES='"$(FAMILIES)/families.def"' -shared -o $@ \
		src/distributions/registry.c $(wildcard $(FAMILIES)/*.c) $(filter-out src/distributions/registry.o,$(OBJS)) $(LDFLAGS) $(SHLIB_LINK)

all: announce
announce:
	@echo 'LAPACK: $(LAPACK_LIBS)'
FORCE:

else
all install installcheck clean:
	@echo "$(PG_CONFIG) knows no PGXS: install PostgreSQL's server headers, or run scripts/setup" >&2; exit 1
endif

demo:
	@scripts/demo

site:
	@scripts/site

bench:
	@scripts/setup test
	@scripts/cluster run bench/speed.py

test:
	@TEST='$(TEST)' scripts/test

fuzz:
	@COUNT='$(COUNT)' SEED='$(SEED)' scripts/fuzz $(KIND)

sanitize:
	@TEST='$(TEST)' scripts/sanitize

format:
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch])

lint:
	@scripts/lint

.PHONY: announce bench demo site test fuzz sanitize format lint FORCE
