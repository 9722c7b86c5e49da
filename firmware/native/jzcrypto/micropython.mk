# _jzcrypto over libsodium. libsodium is compiled without its configure script and its random generators
# (sodium_hooks.c implements them with jz/random.h).
SRC_USERMOD_C += $(USERMOD_DIR)/module.c
SRC_USERMOD_LIB_C += $(USERMOD_DIR)/sodium_hooks.c

JZ_SODIUM = libsodium/src/libsodium
SRC_USERMOD_LIB_C += $(addprefix $(JZ_SODIUM)/,\
	crypto_aead/chacha20poly1305/sodium/aead_chacha20poly1305.c \
	crypto_auth/hmacsha256/auth_hmacsha256.c \
	crypto_core/ed25519/ref10/ed25519_ref10.c \
	crypto_hash/sha256/cp/hash_sha256_cp.c \
	crypto_hash/sha512/cp/hash_sha512_cp.c \
	crypto_onetimeauth/poly1305/donna/poly1305_donna.c \
	crypto_onetimeauth/poly1305/onetimeauth_poly1305.c \
	crypto_scalarmult/curve25519/ref10/x25519_ref10.c \
	crypto_scalarmult/curve25519/scalarmult_curve25519.c \
	crypto_sign/ed25519/ref10/keypair.c \
	crypto_sign/ed25519/ref10/open.c \
	crypto_sign/ed25519/ref10/sign.c \
	crypto_stream/chacha20/ref/chacha20_ref.c \
	crypto_stream/chacha20/stream_chacha20.c \
	crypto_verify/sodium/verify.c \
	sodium/utils.c \
	)

vpath %.c $(UPSTREAM)
CFLAGS_USERMOD += -I$(UPSTREAM)/$(JZ_SODIUM)/include -DSODIUM_STATIC=1
$(BUILD)/libsodium/%.o: CFLAGS += -I$(UPSTREAM)/$(JZ_SODIUM)/include/sodium -DCONFIGURED=1 \
	-DNATIVE_LITTLE_ENDIAN=1 -DHAVE_WEAK_SYMBOLS=1 -DHAVE_INLINE_ASM=1 -w
