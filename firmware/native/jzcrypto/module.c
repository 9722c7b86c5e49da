// Module _jzcrypto: Ed25519 (RFC 8032), X25519 (RFC 7748), ChaCha20-Poly1305 (RFC 8439), SHA-2,
// HMAC (RFC 2104), constant-time comparison and random bytes. They accept any buffer; a wrong length raises ValueError.
#include <string.h>

#include "py/runtime.h"

#include "sodium/crypto_aead_chacha20poly1305.h"
#include "sodium/crypto_auth_hmacsha256.h"
#include "sodium/crypto_hash_sha256.h"
#include "sodium/crypto_hash_sha512.h"
#include "sodium/crypto_scalarmult_curve25519.h"
#include "sodium/crypto_sign_ed25519.h"
#include "sodium/utils.h"

#include "../buffer.h"
#include "jz/marks.h"
#include "jz/random.h"

#define KEY_SIZE (32u)
#define SIGNATURE_SIZE (64u)
#define NONCE_SIZE (12u)
#define TAG_SIZE (16u)
// More than any protocol step needs; limits what a mistake can take from the source.
#define MOST_RANDOM (1024)

static const uint8_t *exactly(mp_obj_t obj, size_t size) {
    mp_buffer_info_t info = jz_bytes(obj);
    if (info.len != size) {
        mp_raise_ValueError(MP_ERROR_TEXT("wrong length"));
    }
    return info.buf;
}

static uint8_t *new_result(vstr_t *vstr, size_t size) {
    vstr_init_len(vstr, size);
    return (uint8_t *)vstr->buf;
}

// ---- signatures

static mp_obj_t ed25519_public(mp_obj_t seed_obj) {
    const uint8_t *seed = exactly(seed_obj, KEY_SIZE);
    vstr_t result;
    uint8_t *public = new_result(&result, KEY_SIZE);
    uint8_t secret[2 * KEY_SIZE];
    uint32_t phase = jz_mark(JZ_MARK_SIGN);
    crypto_sign_ed25519_seed_keypair(public, secret, seed);
    sodium_memzero(secret, sizeof(secret));
    jz_mark(phase);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_1(ed25519_public_obj, ed25519_public);

static mp_obj_t ed25519_sign(mp_obj_t seed_obj, mp_obj_t public_obj, mp_obj_t message_obj) {
    const uint8_t *seed = exactly(seed_obj, KEY_SIZE);
    const uint8_t *public = exactly(public_obj, KEY_SIZE);
    mp_buffer_info_t message = jz_bytes(message_obj);
    vstr_t result;
    uint8_t *signature = new_result(&result, SIGNATURE_SIZE);
    uint8_t secret[2 * KEY_SIZE];
    memcpy(secret, seed, KEY_SIZE);
    memcpy(secret + KEY_SIZE, public, KEY_SIZE);
    uint32_t phase = jz_mark(JZ_MARK_SIGN);
    crypto_sign_ed25519_detached(signature, NULL, message.buf, message.len, secret);
    sodium_memzero(secret, sizeof(secret));
    jz_mark(phase);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_3(ed25519_sign_obj, ed25519_sign);

static mp_obj_t ed25519_verify(mp_obj_t public_obj, mp_obj_t message_obj, mp_obj_t signature_obj) {
    const uint8_t *public = exactly(public_obj, KEY_SIZE);
    const uint8_t *signature = exactly(signature_obj, SIGNATURE_SIZE);
    mp_buffer_info_t message = jz_bytes(message_obj);
    uint32_t phase = jz_mark(JZ_MARK_VERIFY);
    int verdict = crypto_sign_ed25519_verify_detached(signature, message.buf, message.len, public);
    jz_mark(phase);
    return mp_obj_new_bool(verdict == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_3(ed25519_verify_obj, ed25519_verify);

// ---- key agreement

static mp_obj_t x25519_public(mp_obj_t secret_obj) {
    const uint8_t *secret = exactly(secret_obj, KEY_SIZE);
    vstr_t result;
    crypto_scalarmult_curve25519_base(new_result(&result, KEY_SIZE), secret);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_1(x25519_public_obj, x25519_public);

static mp_obj_t x25519(mp_obj_t secret_obj, mp_obj_t public_obj) {
    const uint8_t *secret = exactly(secret_obj, KEY_SIZE);
    const uint8_t *public = exactly(public_obj, KEY_SIZE);
    vstr_t result;
    if (crypto_scalarmult_curve25519(new_result(&result, KEY_SIZE), secret, public) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("shared secret is zero"));
    }
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_2(x25519_obj, x25519);

// ---- hashes

static mp_obj_t sha256(mp_obj_t data_obj) {
    mp_buffer_info_t data = jz_bytes(data_obj);
    vstr_t result;
    uint8_t *digest = new_result(&result, crypto_hash_sha256_BYTES);
    uint32_t phase = jz_mark(JZ_MARK_HASH);
    crypto_hash_sha256(digest, data.buf, data.len);
    jz_mark(phase);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_1(sha256_obj, sha256);

static mp_obj_t sha512(mp_obj_t data_obj) {
    mp_buffer_info_t data = jz_bytes(data_obj);
    vstr_t result;
    uint8_t *digest = new_result(&result, crypto_hash_sha512_BYTES);
    uint32_t phase = jz_mark(JZ_MARK_HASH);
    crypto_hash_sha512(digest, data.buf, data.len);
    jz_mark(phase);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_1(sha512_obj, sha512);

// The key may have any length, as HKDF's salt does (RFC 5869).
static mp_obj_t hmac_sha256(mp_obj_t key_obj, mp_obj_t data_obj) {
    mp_buffer_info_t key = jz_bytes(key_obj), data = jz_bytes(data_obj);
    vstr_t result;
    uint8_t *code = new_result(&result, crypto_auth_hmacsha256_BYTES);
    crypto_auth_hmacsha256_state state;
    uint32_t phase = jz_mark(JZ_MARK_HASH);
    crypto_auth_hmacsha256_init(&state, key.buf, key.len);
    crypto_auth_hmacsha256_update(&state, data.buf, data.len);
    crypto_auth_hmacsha256_final(&state, code);
    sodium_memzero(&state, sizeof(state));
    jz_mark(phase);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_2(hmac_sha256_obj, hmac_sha256);

// ---- authenticated encryption: (key, nonce, aad, text)

static mp_obj_t aead_seal(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const uint8_t *key = exactly(args[0], KEY_SIZE);
    const uint8_t *nonce = exactly(args[1], NONCE_SIZE);
    mp_buffer_info_t aad = jz_bytes(args[2]), plain = jz_bytes(args[3]);
    vstr_t result;
    uint8_t *sealed = new_result(&result, plain.len + TAG_SIZE);
    crypto_aead_chacha20poly1305_ietf_encrypt(sealed, NULL, plain.buf, plain.len, aad.buf, aad.len, NULL, nonce, key);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aead_seal_obj, 4, 4, aead_seal);

static mp_obj_t aead_open(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    const uint8_t *key = exactly(args[0], KEY_SIZE);
    const uint8_t *nonce = exactly(args[1], NONCE_SIZE);
    mp_buffer_info_t aad = jz_bytes(args[2]), sealed = jz_bytes(args[3]);
    int verdict = -1;
    vstr_t result;
    if (sealed.len >= TAG_SIZE) {
        uint8_t *plain = new_result(&result, sealed.len - TAG_SIZE);
        verdict = crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed.buf, sealed.len, aad.buf, aad.len, nonce, key);
    }
    if (verdict != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("forged"));
    }
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(aead_open_obj, 4, 4, aead_open);

// ---- comparison and random bytes

// The time taken depends on the lengths only.
static mp_obj_t equal(mp_obj_t a_obj, mp_obj_t b_obj) {
    mp_buffer_info_t a = jz_bytes(a_obj), b = jz_bytes(b_obj);
    return mp_obj_new_bool(a.len == b.len && sodium_memcmp(a.buf, b.buf, a.len) == 0);
}
static MP_DEFINE_CONST_FUN_OBJ_2(equal_obj, equal);

static mp_obj_t random_bytes(mp_obj_t size_obj) {
    mp_int_t size = mp_obj_get_int(size_obj);
    if (size < 0 || size > MOST_RANDOM) {
        mp_raise_ValueError(MP_ERROR_TEXT("wrong length"));
    }
    vstr_t result;
    jz_random(new_result(&result, size), size);
    return mp_obj_new_bytes_from_vstr(&result);
}
static MP_DEFINE_CONST_FUN_OBJ_1(random_bytes_obj, random_bytes);

static const mp_rom_map_elem_t jzcrypto_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__jzcrypto) },
    { MP_ROM_QSTR(MP_QSTR_ed25519_public), MP_ROM_PTR(&ed25519_public_obj) },
    { MP_ROM_QSTR(MP_QSTR_ed25519_sign), MP_ROM_PTR(&ed25519_sign_obj) },
    { MP_ROM_QSTR(MP_QSTR_ed25519_verify), MP_ROM_PTR(&ed25519_verify_obj) },
    { MP_ROM_QSTR(MP_QSTR_x25519_public), MP_ROM_PTR(&x25519_public_obj) },
    { MP_ROM_QSTR(MP_QSTR_x25519), MP_ROM_PTR(&x25519_obj) },
    { MP_ROM_QSTR(MP_QSTR_sha256), MP_ROM_PTR(&sha256_obj) },
    { MP_ROM_QSTR(MP_QSTR_sha512), MP_ROM_PTR(&sha512_obj) },
    { MP_ROM_QSTR(MP_QSTR_hmac_sha256), MP_ROM_PTR(&hmac_sha256_obj) },
    { MP_ROM_QSTR(MP_QSTR_aead_seal), MP_ROM_PTR(&aead_seal_obj) },
    { MP_ROM_QSTR(MP_QSTR_aead_open), MP_ROM_PTR(&aead_open_obj) },
    { MP_ROM_QSTR(MP_QSTR_equal), MP_ROM_PTR(&equal_obj) },
    { MP_ROM_QSTR(MP_QSTR_random), MP_ROM_PTR(&random_bytes_obj) },
};
static MP_DEFINE_CONST_DICT(jzcrypto_globals, jzcrypto_globals_table);

const mp_obj_module_t jzcrypto_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&jzcrypto_globals,
};
MP_REGISTER_MODULE(MP_QSTR__jzcrypto, jzcrypto_module);
