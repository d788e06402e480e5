// SPDX-License-Identifier: BSD-2-Clause
// Made with OpenSSL 3.0 for these tests: openssl genpkey, openssl req -x509.
#include "known_keys.hpp"

namespace probe {

const RsaKey& known_rsa_key() {
    static const RsaKey key = {
        .modulus = from_hex(
            "a2a31b1cbb7501df4d46da78ff87192e4ff4a5186b1b1527062ba2b454f3c0372fc0720984b5894fe2b1426445ab3171"
            "29d70b02d8f6150eea48edbe312b6ea5a8a88b55846154adaca92ce4dd905c7d3c90308d4073fa2f74e2adfb40f99ff8"
            "2b25e82c08391aa7ad417f3c5d19f52d57ea75ce389c6d08998127c2a6615e5188f79bf2c80c3435c27a2c392e8a1c8f"
            "5f4cbc4052577cb76e83c02b1b907a439df9e2d6afb8d04d9c0d9d19c2c9bd452caa60965f65018526c3a99a01b95ac3"
            "3573ef4b3c03b062ed3f9765e2adbb30d3ea811a99be650cb65ae6abc7df2769cb69f406f5f11535172ad3b490009248"
            "f0d60218d2b4c9aa2ca0c153b652ab4d"),
        .public_exponent = from_hex(
            "010001"),
        .private_exponent = from_hex(
            "097b730038d9b89339613129aed4449e93a0d2e35a9348a76ecfaa7bd31c270fd0a3eac22d4f9c42e117aea443ff9831"
            "5ddc20d338ad184b3753ab30d49310af6de6edc0bda82314c12557edbc1147a3319dc286e9c419491d0a7e5450d47d04"
            "2e17d6b2828439ce9ee65bb1bc47e02895a0a0dfb62340a428b704077045eb06c4275c6041819fa99b774280761d6f8f"
            "62d1362750c3ca8664170293a8221133a21c696c596b411f37af60d4890a8eda5f90af29d88f0162f4a542ca34be4f82"
            "5f6c0dd2403e7533c0d49a433774a78b3304b5ac052016a6162a223067a0d26748cf501bd2211be38b7cb1472e2c1542"
            "49a6f675bf4fe6c9db408d1827a24221"),
        .prime_1 = from_hex(
            "cd370cc092941907c5ce93913e6b18834a25fff7cfd1a8ee788d8c585463bca3350d8c47922a470842523ceb60f38f2b"
            "6b6f91c4adc48f000b89f1bf68d0003f24b865f6b5cfd27fe1fd047c0b94db7eb3af7620b90e034185c4bfef7b79e975"
            "a73424d64d255e94f3501c69c2326e7e1952123248d1264318fdbbfcfe83d7a9"),
        .prime_2 = from_hex(
            "cae2a03d457d634112a7941e6a99c7398c91aaa09e2f94cb6605d5d8e4f0c143bafe30dae6a5140f3a9ad8d9c5a85c44"
            "566e47d96ad1d4238e0bba6f7f9e5d9e779cf80ec656e07c556737347ebc372361d3f414b0c72d303c4be4c5f55983e4"
            "843edc0b759d25ffec18922f0959554776e3224d768cde71ba086ed04558ed05"),
        .exponent_1 = from_hex(
            "8886f45bf5e8c392513e731cb14b2cdec3e8ee179f525c32734fb0ac5f508f82815c4714a2a0afeb45bc52bd421e2804"
            "fa101b099f95e291641bdd12bc178de2747a9d937a380e5278360dd2bd1dc6bdcfab8f4a8bf34fa53aeabfcb02fa03a0"
            "fba18c546ab4ceed07c7277010fbde58d45daeaf7794760133d2334c48c3cc29"),
        .exponent_2 = from_hex(
            "2a0e3a2b1949799696985832c9e42091045b79a41bc63f30be703d38dd942e6bacca5e3432154c08301cc310b95141f7"
            "04778dbb3ad24e0824bcb7a3bf2f83b68292ee3499d68e681787f2c095f8cbf130a92ff24e06ab8e51216645c6ab0c95"
            "04f8c6c2355a22f35eec64f90d16108064db8653ca5c3f0c1205077b72b49145"),
        .coefficient = from_hex(
            "c990d5d7cb18df76661994eb09f43dcce352140e17710ad215aba0d77b0d8d66e45de283a32f2299796f2e6baf87b612"
            "bbb0607375b187cc13dfa8073cc0c42425fed7c08db145fdcba7d3bce5c2ec719dc16743538b25a219bfc4605bcd7ce9"
            "71c4319f9ae344c11620bfc01cd216a900b63762a46ddc3558f836c6262fb247"),
    };
    return key;
}

const CurveKey& known_curve_key(std::string_view curve) {
    static const std::map<std::string, CurveKey, std::less<>> keys = {
        {"P-256",
         {.private_value = from_hex(
            "b7b8aec433b73618bff51dec0462ea9109e8507eca27a3c835ab5d6384953b6c"),
          .point = from_hex(
            "0495307e3be4d97c17f6e39b7b774c467336971e80b31893872d2ea5444f614ffd05ccd0d4dfb3b3bd86e237cdd50322"
            "400d3de26286a2a1a0079531854f0c267e")}},
        {"P-384",
         {.private_value = from_hex(
            "5b78b7659d3ccb21e676366bd498087d4ad2e8bfe7019af39ef3bd7bff0707f1b73be5e8fdcf3f6f8186acaf2203cb93"),
          .point = from_hex(
            "042cad8b0842651b555d9f981e9c0217b6558abeaa970508feb2bb604df50373682519bb9b227cd61247d758d9e9ffd4"
            "d8c580f6b0dbe16cdf91c1991194063f172220eca253e1f9022a213de5f2560d5e43d998abce8975bec50f3b7780aec8"
            "2b")}},
        {"P-521",
         {.private_value = from_hex(
            "01e451e3044392c820b56d23a44ba14f3ef8c63a9ae6bafbc8a853e145a3b62d88dd0b615d528de79900942959e25e69"
            "170e27ec35f031e9bd78f39185cfc4d40ee1"),
          .point = from_hex(
            "0401a18888dd7163cfe0323b48335109cc09f9e1079b145f061c0599ea86d4575174a96a67fce1200feab6a8c5d62bd7"
            "920e26d7b67f167fae800c924a67d82a31e0250106b1ba85db8a6d704663a4956409ccfa6b2b7d83da82c8ec68bf694f"
            "602fad1afe4db794c4bf872e8ae625fd95a3046d5dc9684e60dc94f75942b3c80010a613fb")}},
        {"secp256k1",
         {.private_value = from_hex(
            "08a232274dfbd530ca9bac105366100c52483eea1a645661bb452b59b248840d"),
          .point = from_hex(
            "045a32a2175a909b15b5a2174a2b7ec9bd160e393bd5dbdb687efa2c3bb3235bcb51f0d059308038eb2c77677b40d855"
            "bbfb58861a9b517ab08169220bb44a3656")}},
        {"brainpoolP256r1",
         {.private_value = from_hex(
            "3cdac33a769869848883c1f994675f433656427975f98c95bdef51837c859407"),
          .point = from_hex(
            "04221a4de9cc75f1f694431f2b42330f89b00f59e9c68ed764b8d290d589dd25214818f2930cc956edc474452449e053"
            "3bc7175de52c823c29d4da89a9344eda82")}},
        {"Ed25519",
         {.private_value = from_hex(
            "0f1125f4fde421251eedcf2311518b70b16e1c9e82ef34ec8931f7b2aaa3c9f0"),
          .point = from_hex(
            "acc3b1155a67387f4769d4f4816e93cab06a88cb68bfcc0300b65f7142765f0a")}},
        {"Ed448",
         {.private_value = from_hex(
            "fe7720193141f82f7e59f256233a0599fbc6b1b9f2c5c584417094c15f2abf5aa6317cdfda6291da9770a9747d3566b0"
            "16025207aa3b7cde6f"),
          .point = from_hex(
            "d09cc13714b0ea4ad68e4c9f77954c7f4363b66d238a16baf0d7ad774efeeb4be3bc2b42fa0e46951a22f82be797332f"
            "b98b4a8efff5c62400")}},
        {"X25519",
         {.private_value = from_hex(
            "50b1964f953cb8de42b43df040ba618e67dc4501717e612de2afb934cfc7ff70"),
          .point = from_hex(
            "745d2a6fd93a9c1ff55c860b402dfdcae3f1046de51751f9b6088e4909b5611a")}},
    };
    return keys.find(curve)->second;
}

const Bytes& known_certificate() {
    static const Bytes certificate = from_hex(
        "308201833082012aa003020102020101300a06082a8648ce3d0403023020311e301c06035504030c15736f667468736d"
        "5f666978747572657320746573743020170d3236313132343034303532305a180f32313236313033313034303532305a"
        "3020311e301c06035504030c15736f667468736d5f666978747572657320746573743059301306072a8648ce3d020106"
        "082a8648ce3d0301070342000495307e3be4d97c17f6e39b7b774c467336971e80b31893872d2ea5444f614ffd05ccd0"
        "d4dfb3b3bd86e237cdd50322400d3de26286a2a1a0079531854f0c267ea3533051301d0603551d0e04160414e342e5f7"
        "7909e10ca512df21cf85a9d8ebe51bcf301f0603551d23041830168014e342e5f77909e10ca512df21cf85a9d8ebe51b"
        "cf300f0603551d130101ff040530030101ff300a06082a8648ce3d040302034700304402207e743bde08537f88f6335e"
        "cc7653c05f27793c631a59689a95e56d20c3d0f7800220672be277535964a79bf0b01100ab97c9d5e38241fe7dd1850c"
        "141e4a158e9037");
    return certificate;
}

} // namespace probe
