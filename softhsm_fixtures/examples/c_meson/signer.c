/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include "signer.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct signer {
    struct signer_options options;
    void *library;
    CK_FUNCTION_LIST *p11;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
};

/* Slots have no fixed numbers: the label says which it is. */
static CK_RV find_slot(struct signer *signer, CK_SLOT_ID *found)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = sizeof slots / sizeof *slots;
    CK_RV rv = signer->p11->C_GetSlotList(CK_TRUE, slots, &count);
    size_t length = strlen(signer->options.token);

    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        CK_TOKEN_INFO info;
        if (signer->p11->C_GetTokenInfo(slots[i], &info) != CKR_OK || length > sizeof info.label)
            continue;
        bool padded = true;
        for (size_t k = length; k < sizeof info.label; k++)
            padded = padded && info.label[k] == ' ';
        if (padded && memcmp(info.label, signer->options.token, length) == 0) {
            *found = slots[i];
            return CKR_OK;
        }
    }
    return rv == CKR_OK ? CKR_TOKEN_NOT_PRESENT : rv;
}

/* More than one key that fits is an error: the wrong one would sign. */
static CK_RV find_key(struct signer *signer)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)(size_t)signer->options.key, strlen(signer->options.key)},
    };
    CK_OBJECT_HANDLE found[2];
    CK_ULONG count = 0;
    CK_RV rv = signer->p11->C_FindObjectsInit(signer->session, template, 2);
    if (rv != CKR_OK)
        return rv;
    rv = signer->p11->C_FindObjects(signer->session, found, 2, &count);
    signer->p11->C_FindObjectsFinal(signer->session);
    if (rv != CKR_OK)
        return rv;
    if (count != 1)
        return CKR_KEY_HANDLE_INVALID;
    signer->key = found[0];
    return CKR_OK;
}

/* Everything that is gone with a session. */
static CK_RV connect_token(struct signer *signer)
{
    CK_SLOT_ID slot;
    CK_RV rv = find_slot(signer, &slot);
    if (rv != CKR_OK)
        return rv;
    rv = signer->p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &signer->session);
    if (rv != CKR_OK)
        return rv;
    rv = signer->p11->C_Login(signer->session, CKU_USER, (unsigned char *)(size_t)signer->options.pin,
                              strlen(signer->options.pin));
    if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
        return rv;
    return find_key(signer);
}

static bool session_is_gone(CK_RV rv)
{
    return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED || rv == CKR_USER_NOT_LOGGED_IN ||
           rv == CKR_KEY_HANDLE_INVALID || rv == CKR_OBJECT_HANDLE_INVALID || rv == CKR_DEVICE_REMOVED ||
           rv == CKR_TOKEN_NOT_PRESENT || rv == CKR_SLOT_ID_INVALID;
}

static CK_RV sign_once(struct signer *signer, const unsigned char *digest, unsigned char *signature)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_ULONG length = 64;
    CK_RV rv = signer->p11->C_SignInit(signer->session, &mechanism, signer->key);
    if (rv == CKR_OK)
        rv = signer->p11->C_Sign(signer->session, (unsigned char *)(size_t)digest, 32, signature, &length);
    return rv == CKR_OK && length != 64 ? CKR_DEVICE_ERROR : rv;
}

CK_RV signer_sign(struct signer *signer, const unsigned char digest[32], unsigned char signature[64])
{
    CK_RV rv = sign_once(signer, digest, signature);
    /* Only what a new session mends, and not for ever. A PIN that was refused is not in the list: it would be locked. */
    for (int attempt = 0; attempt < 20 && session_is_gone(rv); attempt++) {
        rv = connect_token(signer);
        if (rv == CKR_OK)
            rv = sign_once(signer, digest, signature);
        if (session_is_gone(rv))
            nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
    return rv;
}

struct signer *signer_open(const struct signer_options *options, CK_RV *rv)
{
    CK_C_INITIALIZE_ARGS locking = {.flags = CKF_OS_LOCKING_OK};
    struct signer *signer = calloc(1, sizeof *signer);
    *rv = CKR_HOST_MEMORY;
    if (signer == NULL)
        return NULL;
    signer->options = *options;
    *rv = CKR_GENERAL_ERROR;
    signer->library = dlopen(options->module, RTLD_NOW | RTLD_LOCAL);
    if (signer->library != NULL) {
        CK_C_GetFunctionList get_list;
        void *symbol = dlsym(signer->library, "C_GetFunctionList");
        memcpy(&get_list, &symbol, sizeof symbol);
        *rv = symbol != NULL ? get_list(&signer->p11) : CKR_GENERAL_ERROR;
    }
    if (*rv == CKR_OK)
        *rv = signer->p11->C_Initialize(&locking);
    if (*rv == CKR_OK) {
        *rv = connect_token(signer);
        if (*rv == CKR_OK)
            return signer;
        signer->p11->C_Finalize(NULL);
    }
    free(signer);
    return NULL;
}

void signer_close(struct signer *signer)
{
    signer->p11->C_Finalize(NULL);
    dlclose(signer->library);
    free(signer);
}
