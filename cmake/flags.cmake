# flags: warnings, hardening and sanitizers, each probed before use
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(warnings
  -Wall -Wextra -Wpedantic -Wshadow -Wpointer-arith -Wcast-qual -Wcast-align
  -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wundef -Wvla -Walloca -Wformat=2 -Wconversion -Wsign-conversion
  -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion -Wnull-dereference
  -Wframe-larger-than=8192
  -Wformat-signedness -Wlogical-op -Wduplicated-cond -Wduplicated-branches
  -Wjump-misses-init -Wcomma -Wunreachable-code-aggressive
  -Wconditional-uninitialized -Wassign-enum)
set(hardening
  -fstack-protector-strong -fstack-clash-protection -fcf-protection
  -fno-strict-aliasing -ftrivial-auto-var-init=zero)
foreach(flag IN LISTS warnings hardening)
  string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
  check_c_compiler_flag(${flag} ${have})
  if(${have})
    add_compile_options(${flag})
  endif()
endforeach()
if(BAILEY_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GNU_SOURCE)
if(BAILEY_INJECT)
  add_compile_definitions(BAILEY_INJECT)
endif()
# The same sources give the same programs in whatever folder they are built: the
# guest image is to be reproducible from any clone.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=")

if(BAILEY_SANITIZE)
  add_compile_options(-fsanitize=${BAILEY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BAILEY_SANITIZE})
else()
  # fortify and sanitizers do not mix: the checked calls hide from the sanitizer
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
if(NOT BAILEY_SANITIZE)
  # A program needs the libraries that it uses, not all that a folder under it may use.  Sanitizers have functions of
  # the same names (crypt_r), beside which no library seems to be needed, and then call what is not there.
  add_link_options(-Wl,--as-needed)
endif()
if(BAILEY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
