// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/database/envelope_internal.hpp>
#include <keyway/backends/database/key_encryption_key_internal.hpp>
#include <keyway/backends/database/key_table_internal.hpp>
#include <keyway/backends/database/rewrap_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/database/postgresql_database_internal.hpp>
#include <keyway/database/sqlite_database_internal.hpp>
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/naming_backend_internal.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/key/store_checker.hpp>

#include <botan/pk_keys.h>
#include <botan/system_rng.h>

#include <chrono>
#include <utility>

namespace keyway {

namespace {

using database::Connection;

constexpr std::string_view type_name = "database";

OptionTable option_table() {
    using enum Phase;
    return {
        {.name = "path",
         .type = OptionType::path,
         .phases = {settings},
         .help = "the SQLite file; made with mode 0600 when the first key is put into it"},
        {.name = "postgresql",
         .phases = {settings},
         .help = "in place of path: where a PostgreSQL server has the database, as a connection string or URI of libpq "
                 "without a password"},
        {.name = "database-password",
         .type = OptionType::secret_source,
         .phases = {settings},
         .help = "the source of the password of the server's user; without it libpq looks for one (~/.pgpass)"},
        {.name = "connections",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "8",
         .help = "the most connections to the server at a time, 1 to 1000"},
        {.name = "timeout",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "10",
         .help = "how many seconds to wait for the server, or for others who hold the database, 1 to 3600"},
        {.name = "passphrase",
         .type = OptionType::secret_source,
         .phases = {settings, create, store, use},
         .help = "the source of the passphrase of the database, the same for all its keys"},
        {.name = "label", .type = OptionType::text, .phases = {create, store}, .help = "the new key's name"},
        {.name = "argon2-memory-kib",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "65536",
         .help =
             "the memory in KiB that one guess at the passphrase takes, 8192 to 1048576; used when the database is new"},
        {.name = "argon2-passes",
         .type = OptionType::number,
         .phases = {settings},
         .default_value = "3",
         .help = "how often that memory is gone through, 1 to 100, at most 4 GiB in all; used when the database is new"},
    };
}

std::vector<std::uint8_t> private_key_purpose(const KeyHeader& key) {
    return associated_data("private-key", {key.label, key.spki_sha256, key.key_type, key.created});
}

KeyRow sealed_row(const KeyHeader& header,
                  std::span<const std::uint8_t> private_key_info,
                  const KeyEncryptionKey& key_encryption_key) {
    const auto data_key = Botan::system_rng().random_vec(envelope_key_size);
    return {.header = header,
            .key_encryption_key_id = key_encryption_key.record.id,
            .wrapped_data_key = seal(key_encryption_key.bytes, data_key,
                                     data_key_purpose(header, key_encryption_key.record.id)),
            .encrypted_private_key = seal(data_key, private_key_info, private_key_purpose(header))};
}

class DatabaseBackend final : public KeyBackend,
                              public KeyLister,
                              public KeyRemover,
                              public KeyRewrapper,
                              public KeyExporter,
                              public StoreChecker {
public:
    DatabaseBackend(const BackendAlias& name,
                    std::shared_ptr<const OptionTable> table,
                    OptionValues values,
                    const BackendContext& context)
        : KeyBackend(name, std::move(table), std::move(values)),
          secrets_(context.secrets),
          clock_(context.clock),
          cost_{.memory_kib = settings().number("argon2-memory-kib").value_or(Argon2Cost().memory_kib),
                .passes = settings().number("argon2-passes").value_or(Argon2Cost().passes)},
          database_(configured_database()),
          capabilities_(BackendCapabilities::everything()) {
        if(!cost_.is_enough() || cost_.is_too_much()) {
            throw Error(Errc::invalid_option,
                        "\"argon2-memory-kib\" or \"argon2-passes\" of backend " + in_quotes(alias().str()) +
                            " is out of range",
                        "use 8192 to 1048576 KiB and 1 to 100 passes, multiplied at most 4194304")
                .in_backend(alias().str());
        }
    }

    CreatedKey create(const KeySpec& spec, const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::create, options);
            require_offered(spec);
            const auto label = new_label(values);
            const auto key = generate_software_key(spec);
            auto ref = add(*key, label, values);
            return CreatedKey{std::move(ref), key->public_key()};
        });
    }

    KeyRef store(const Botan::Private_Key& key, const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::store, options);
            require_offered(KeySpec::of(key));
            require_sound(key);
            return add(key, new_label(values), values);
        });
    }

    std::unique_ptr<Botan::Private_Key> use(const KeyRef& ref, const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            auto connection = database_->open(now());
            const auto row = find(connection, ref);
            return opened(*connection, row, ref, values);
        });
    }

    std::unique_ptr<Botan::Private_Key> export_key(const KeyRef& ref, const OptionValues& options) const override {
        return use(ref, options);
    }

    std::optional<Error> check(const KeyRef& ref, const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                const auto values = completed(Phase::use, options);
                auto connection = database_->open(now());
                const auto row = find(connection, ref);
                if(values.has("passphrase")) {
                    static_cast<void>(opened(*connection, row, ref, values));
                }
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    std::optional<Error> check_writable(const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                static_cast<void>(completed(Phase::use, options));
                auto connection = database_->open(now());
                if(!connection) {
                    throw Error(Errc::storage_failed,
                                "the database " + in_quotes(database_->name()) + " is not there yet",
                                "it is made when the first key is put into it");
                }
                require_writable(*connection);
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    KeyListing list(const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            static_cast<void>(completed(Phase::use, options));
            KeyListing listing;
            if(auto connection = database_->open(now())) {
                for(const auto& header : list_keys(*connection)) {
                    try {
                        listing.keys.push_back({.ref = reference(header),
                                                .label = header.label,
                                                .attributes = {{"created", header.created}}});
                    } catch(const Error& error) {
                        listing.faults.push_back(error.in_backend(alias().str()));
                    }
                }
            }
            return listing;
        });
    }

    void remove(const KeyRef& ref, const OptionValues& options) override {
        naming_backend(alias(), [&] {
            static_cast<void>(completed(Phase::use, options));
            auto connection = database_->open(now());
            const auto row = find(connection, ref);
            if(!remove_key(*connection, row.header.label, row.header.spki_sha256)) {
                throw not_found(row.header.label);
            }
        });
    }

    RewrapResult rewrap(const RewrapRequest& request, const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            RewrapResult result;
            auto connection = database_->open(now());
            const auto active = connection ? find_active_key_encryption_key(*connection) : std::nullopt;
            if(!active) {
                throw holds_no_key(database_->name());
            }
            const auto replaced = find_replaced(*connection);
            result.resumed = !replaced.empty();
            std::vector<Rotation> rotations;
            if(result.resumed) {
                const auto passphrase = request.new_passphrase ? request.new_passphrase->clone() : read_passphrase(values);
                const auto new_key = keys_.derive(*active, passphrase, database_->name());
                for(const auto& record : replaced) {
                    rotations.push_back({unlock_replaced(record, new_key, database_->name()), new_key});
                }
            } else {
                const auto passphrase = read_passphrase(values);
                const auto& new_passphrase = request.new_passphrase ? *request.new_passphrase : passphrase;
                Rotation rotation{keys_.derive(*active, passphrase, database_->name()),
                                  new_key_encryption_key(cost_, new_passphrase, database_->name())};
                if(!begin_rotation(*connection, rotation, now())) {
                    throw Error(Errc::already_exists,
                                "somebody else has just begun to change the key-encryption key of the database " +
                                    in_quotes(database_->name()),
                                "see whether that is done; the new passphrase is the one given there");
                }
                keys_.keep(rotation.new_key, new_passphrase);
                rotations.push_back(std::move(rotation));
            }
            for(const auto& rotation : rotations) {
                const auto outcome = carry_out(*connection, rotation, request);
                if(outcome.damaged_label) {
                    throw damaged(*outcome.damaged_label);
                }
                result.rewrapped += outcome.rewrapped;
            }
            return result;
        });
    }

    std::uint64_t keys_to_rewrap(const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            static_cast<void>(completed(Phase::use, options));
            auto connection = database_->open(now());
            const auto active = connection ? find_active_key_encryption_key(*connection) : std::nullopt;
            std::uint64_t keys = 0;
            if(active) {
                const auto replaced = find_replaced(*connection);
                for(const auto& record : replaced.empty() ? std::vector{*active} : replaced) {
                    keys += count_under(*connection, record.id);
                }
            }
            return keys;
        });
    }

    const BackendCapabilities& capabilities() const override { return capabilities_; }

private:
    [[nodiscard]] std::uint64_t number_in_range(std::string_view name, std::uint64_t usual, std::uint64_t most) const {
        const auto number = settings().number(name).value_or(usual);
        if(number < 1 || number > most) {
            throw Error(Errc::invalid_option,
                        in_quotes(name) + " of backend " + in_quotes(alias().str()) + " is out of range",
                        "use 1 to " + std::to_string(most));
        }
        return number;
    }

    [[nodiscard]] std::unique_ptr<database::Database> configured_database() const {
        return naming_backend(alias(), [&]() -> std::unique_ptr<database::Database> {
            const auto path = settings().path("path");
            const auto server = settings().text("postgresql");
            if(path.has_value() == server.has_value()) {
                throw Error(Errc::invalid_option,
                            "the backend " + in_quotes(alias().str()) + " has " +
                                (path ? "both \"path\" and \"postgresql\"" : "no \"path\" and no \"postgresql\""),
                            "name the SQLite file for its keys by \"path\", or the server by \"postgresql\"");
            }
            const std::chrono::seconds timeout(number_in_range("timeout", 10, 3600));
            const auto connections = number_in_range("connections", 8, 1000);
            const auto password = settings().secret_source("database-password");
            if(path) {
                if(password) {
                    throw Error(Errc::invalid_option,
                                "the backend " + in_quotes(alias().str()) + " has a \"database-password\" but no server",
                                "it is for \"postgresql\"; the passphrase of an SQLite file is \"passphrase\"");
                }
                return std::make_unique<database::SqliteDatabase>(*path, timeout);
            }
            database::PostgresqlSettings postgresql{
                .connection = *server, .connections = connections, .timeout = timeout};
            if(password) {
                postgresql.password = [secrets = secrets_, source = *password, name = alias().str()] {
                    return secrets.read(source, "database password of backend " + in_quotes(name));
                };
            }
            return database::postgresql_database(std::move(postgresql));
        });
    }

    [[nodiscard]] std::string now() const { return to_iso_8601(clock_()); }

    [[nodiscard]] Secret read_passphrase(const OptionValues& values) const {
        const auto source = values.secret_source("passphrase");
        if(!source) {
            throw Error(Errc::secret_unavailable,
                        "there is no passphrase for the database " + in_quotes(database_->name()),
                        "give the option \"passphrase\" (env:NAME, file:PATH, fd:N or prompt:)");
        }
        return secrets_.read(*source, "passphrase of backend " + in_quotes(alias().str()));
    }

    /// The label of a new key; whether it is free is asked before the work of making the key, and decided when it is
    /// added.
    [[nodiscard]] std::string new_label(const OptionValues& values) const {
        const auto label = KeyLabel::of(values);
        if(auto connection = database_->open(now()); connection && find_key(*connection, label.str())) {
            throw Error(Errc::already_exists,
                        "there is a key " + in_quotes(label.str()) + " already in the database " +
                            in_quotes(database_->name()),
                        "choose another label; nothing is ever overwritten");
        }
        return label.str();
    }

    KeyRef add(const Botan::Private_Key& key, const std::string& label, const OptionValues& values) {
        const auto info = private_key_info(key);
        // What is written is what counts: a key may state its public half in several ways (a compressed point).
        const auto written = read_private_key(info, label);
        const KeyHeader header{.label = label,
                               .spki_sha256 = SpkiFingerprint::of(*written).to_string(),
                               .key_type = KeySpec::of(*written).to_string(),
                               .created = now()};
        const auto passphrase = read_passphrase(values);
        for(;;) {
            auto connection = database_->open(header.created);
            const auto record = connection ? find_active_key_encryption_key(*connection) : std::nullopt;
            const auto key_encryption_key =
                record ? keys_.derive(*record, passphrase, database_->name())
                       : new_key_encryption_key(cost_, passphrase, database_->name());
            const auto add_to = [&](Connection& to) {
                return add_key(to, sealed_row(header, info, key_encryption_key), key_encryption_key.record,
                               header.created);
            };
            // A new database is made with its first key, or not at all. The second process to put the first key into
            // one has to go under the record of the other.
            const bool added = connection ? add_to(*connection)
                                          : database_->make(header.created, [&](Connection& to) {
                                                return add_to(to);
                                            });
            if(added) {
                keys_.keep(key_encryption_key, passphrase);
                return reference(header);
            }
        }
    }

    [[nodiscard]] KeyRef reference(const KeyHeader& header) const {
        try {
            return {alias(),
                    std::string(type_name),
                    KeySpec::parse(header.key_type),
                    SpkiFingerprint::parse(header.spki_sha256),
                    KeyLocator().set("label", header.label)};
        } catch(const Error&) {
            std::throw_with_nested(damaged(header.label));
        }
    }

    [[nodiscard]] KeyRow find(std::optional<Connection>& connection, const KeyRef& ref) const {
        require_own(ref, type_name);
        const auto label = ref.locator().find("label");
        if(!label) {
            throw Error(Errc::malformed_data,
                        "the key reference has no label",
                        "take the reference from a listing of the backend's keys");
        }
        auto row = connection ? find_key(*connection, *label) : std::nullopt;
        if(!row) {
            throw not_found(*label);
        }
        if(row->header.spki_sha256 != ref.fingerprint().to_string()) {
            throw Error(Errc::key_mismatch,
                        "the key " + in_quotes(*label) + " in the database " +
                            in_quotes(database_->name()) +
                            " is another than the one meant: its SPKI SHA-256 is " + row->header.spki_sha256,
                        "the reference is for " + ref.fingerprint().to_string());
        }
        require_kind(ref, reference(row->header).key());
        return std::move(*row);
    }

    /// The key of a record; of one that is being replaced also by the passphrase of the one in its place.
    [[nodiscard]] KeyEncryptionKey unlocked(Connection& connection,
                                            const KeyEncryptionKeyRecord& record,
                                            const Secret& passphrase) const {
        if(!record.sealed_for_active.empty()) {
            if(auto kept = keys_.kept(record, passphrase)) {
                return *std::move(kept);
            }
            if(const auto active = find_active_key_encryption_key(connection)) {
                try {
                    return unlock_replaced(record, keys_.derive(*active, passphrase, database_->name()), database_->name());
                } catch(const Error& error) {
                    if(error.code() != Errc::passphrase_incorrect) {
                        throw;
                    }
                }
            }
        }
        return keys_.derive(record, passphrase, database_->name());
    }

    [[nodiscard]] std::unique_ptr<Botan::Private_Key> opened(Connection& connection,
                                                             KeyRow row,
                                                             const KeyRef& ref,
                                                             const OptionValues& values) const {
        auto record = find_key_encryption_key(connection, row.key_encryption_key_id);
        if(!record) {
            // It may have been replaced since the row was read.
            if(auto again = find_key(connection, row.header.label);
               again && again->header.spki_sha256 == row.header.spki_sha256) {
                row = *std::move(again);
                record = find_key_encryption_key(connection, row.key_encryption_key_id);
            }
        }
        if(!record) {
            throw damaged(row.header.label);
        }
        const auto key_encryption_key = unlocked(connection, *record, read_passphrase(values));
        const auto data_key = unseal(key_encryption_key.bytes, row.wrapped_data_key,
                                     data_key_purpose(row.header, key_encryption_key.record.id));
        if(!data_key || data_key->size() != envelope_key_size) {
            throw damaged(row.header.label);
        }
        const auto info = unseal(*data_key, row.encrypted_private_key, private_key_purpose(row.header));
        if(!info) {
            throw damaged(row.header.label);
        }
        auto key = read_private_key(*info, row.header.label);
        if(SpkiFingerprint::of(*key) != ref.fingerprint()) {
            throw damaged(row.header.label);
        }
        return key;
    }

    [[nodiscard]] Error not_found(const std::string& label) const {
        return {Errc::key_not_found,
                "there is no key " + in_quotes(label) + " in the database " +
                    in_quotes(database_->name()),
                "list the keys of backend " + in_quotes(alias().str()) + " to see those there are"};
    }

    [[nodiscard]] Error damaged(const std::string& label) const {
        return {Errc::malformed_data,
                "the row of key " + in_quotes(label) + " in the database " +
                    in_quotes(database_->name()) + " has been changed or is damaged",
                "restore the database from a copy"};
    }

    SecretReader secrets_;
    Clock clock_;
    Argon2Cost cost_;
    std::unique_ptr<database::Database> database_;
    mutable KeyEncryptionKeys keys_;
    BackendCapabilities capabilities_;
};

}  // namespace

BackendType database_backend() {
    return {.name = std::string(type_name),
            .title = "keys in a database, SQLite or PostgreSQL: encrypted one by one, under a passphrase",
            .options = std::make_shared<const OptionTable>(option_table()),
            .open = [](const BackendAlias& alias,
                       std::shared_ptr<const OptionTable> table,
                       OptionValues settings,
                       const BackendContext& context) -> std::unique_ptr<KeyBackend> {
                return std::make_unique<DatabaseBackend>(alias, std::move(table), std::move(settings), context);
            }};
}

}  // namespace keyway
