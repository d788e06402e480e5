/* SPDX-License-Identifier: BSD-2-Clause */
/* usage: signer_test succeeds|fails, run by softhsm-fixture with the fault module in front of the token */
#include "signer.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often a function was called: records of 64 bytes, a name of 40 and three numbers. */
static uint64_t calls_of(const char *function)
{
    char name[40];
    uint64_t numbers[3];
    FILE *file = fopen(getenv("PKCS11_FAULT_COUNTERS"), "rb");
    while (file != NULL && fread(name, sizeof name, 1, file) == 1 && fread(numbers, sizeof numbers, 1, file) == 1) {
        if (strcmp(name, function) == 0) {
            fclose(file);
            return numbers[0];
        }
    }
    fprintf(stderr, "%s is not counted\n", function);
    exit(1);
}

static CK_RV sign_three_times(void)
{
    const struct signer_options options = {
        .module = getenv("PKCS11_MODULE"),
        .token = getenv("PKCS11_TOKEN_LABEL"),
        .key = "signing",
        .pin = getenv("PKCS11_PIN"),
    };
    CK_RV rv;
    struct signer *signer = signer_open(&options, &rv);
    for (int i = 0; signer != NULL && rv == CKR_OK && i < 3; i++) {
        const unsigned char digest[32] = {(unsigned char)i};
        unsigned char signature[64];
        rv = signer_sign(signer, digest, signature);
    }
    if (signer != NULL)
        signer_close(signer);
    return rv;
}

int main(int argc, char **argv)
{
    if (argc != 2 || getenv("PKCS11_FAULT_COUNTERS") == NULL) {
        fputs("usage: softhsm-fixture run --fault-module --content content.json -- signer_test succeeds|fails\n", stderr);
        return 2;
    }
    const CK_RV rv = sign_three_times();
    const uint64_t logins = calls_of("C_Login");
    printf("0x%lx after %" PRIu64 " logins\n", rv, logins);
    if (strcmp(argv[1], "succeeds") == 0)
        return rv == CKR_OK && logins <= 2 ? 0 : 1;
    /* Whatever failed, a PIN was not tried twice. */
    return rv != CKR_OK && logins == 1 ? 0 : 1;
}
