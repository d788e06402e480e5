// SPDX-License-Identifier: BSD-2-Clause
#include <backends/hsm/fault_scene.hpp>

#include <keyway/backends/hsm/hsm_backend.hpp>

namespace keyway::test {

namespace {

constexpr Place all_places[] = {
    {Operation::sign, "sign", "C_SignInit"},
    {Operation::sign, "sign", "C_Sign"},
    {Operation::find, "find", "C_OpenSession"},
    {Operation::find, "find", "C_FindObjectsInit"},
    {Operation::find, "find", "C_FindObjects"},
    {Operation::find, "find", "C_FindObjectsFinal"},
    {Operation::find, "find", "C_GetAttributeValue", 1},
    {Operation::find, "find", "C_GetAttributeValue", 2},
    {Operation::create, "create", "C_OpenSession"},
    {Operation::create, "create", "C_FindObjectsInit"},
    {Operation::create, "create", "C_GenerateKeyPair"},
    {Operation::create, "create", "C_GetAttributeValue", 2},
    {Operation::create, "create", "C_SignInit"},
    {Operation::create, "create", "C_Sign"},
    {Operation::store, "store", "C_FindObjectsInit"},
    {Operation::store, "store", "C_CreateObject", 1},
    {Operation::store, "store", "C_CreateObject", 2},
    {Operation::store, "store", "C_GetAttributeValue", 2},
    {Operation::store, "store", "C_Sign"},
    {Operation::remove, "remove", "C_OpenSession"},
    {Operation::remove, "remove", "C_FindObjectsInit"},
    {Operation::remove, "remove", "C_DestroyObject", 1},
    {Operation::remove, "remove", "C_DestroyObject", 2},
};

}  // namespace

std::span<const Place> places() {
    return all_places;
}

Scene::Scene(Texts changes) : module_(pkcs11::Module::open(store.module())), backend(open(changes)) {
    ref.emplace(HsmStore::create(*backend, "right").ref);
    static_cast<void>(HsmStore::create(*backend, "wrong"));
    reopen(changes);
}

void Scene::reopen(Texts changes) {
    key.reset();
    backend = open(changes);
    key = backend->use(*ref, {});
    right = key->public_key();
    REQUIRE(signs(*key));
}

std::unique_ptr<KeyBackend> Scene::open(Texts changes) const {
    return changes.size() == 0 ? store.open({{"deadline-ms", "1500"}}) : store.open({{"deadline-ms", "1500"}, *changes.begin()});
}

KeyRef Scene::make_victim() const {
    return HsmStore::create(*backend, "victim").ref;
}

void Scene::perform(Operation operation, const std::optional<KeyRef>& victim) const {
    switch(operation) {
        case Operation::sign:
            // Also that it is valid, and by the right key.
            if(!signs_as(*key, *right)) {
                throw Error(Errc::internal, "an invalid signature was handed out");
            }
            return;
        case Operation::find:
            if(backend->use(*ref, {})->public_key()->subject_public_key() != right->subject_public_key()) {
                throw Error(Errc::internal, "another key was found");
            }
            return;
        case Operation::create:
            static_cast<void>(HsmStore::create(*backend, "new"));
            return;
        case Operation::store:
            static_cast<void>(backend->store(*software_key(), HsmStore::options(Phase::store, {{"label", "new"}})));
            return;
        case Operation::remove:
            dynamic_cast<KeyRemover&>(*backend).remove(victim.value(), {});
            return;
    }
}

std::size_t Scene::own_sessions() const {
    const auto now = hsm_counters(*backend).value();
    return now.sessions_idle + now.sessions_in_use + 1;  // and the one that keeps the login
}

void Scene::clean_up() const {
    for(const auto& info : dynamic_cast<KeyLister&>(*backend).list({}).keys) {
        if(info.label == "new" || info.label == "victim") {
            dynamic_cast<KeyRemover&>(*backend).remove(info.ref, {});
        }
    }
    CHECK(store.objects() == 4);
}

void log_out(const HsmStore& store) {
    const auto module = pkcs11::Module::open(store.module());
    const pkcs11::Module::Use use(*module);
    const pkcs11::Session session(module, module->tokens(use).front().slot, pkcs11::SessionMode::read_only);
    REQUIRE(module->calls().C_Logout(session.handle()) == CKR_OK);
}

}  // namespace keyway::test
