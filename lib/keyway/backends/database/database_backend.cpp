// SPDX-License-Identifier: BSD-2-Clause
#include <keyway/backends/database/database_backend.hpp>
#include <keyway/backends/database/database_options_internal.hpp>
#include <keyway/backends/database/key_protection_internal.hpp>
#include <keyway/backends/database/key_table_internal.hpp>
#include <keyway/backends/database/rewrap_internal.hpp>
#include <keyway/backends/database/row_errors_internal.hpp>
#include <keyway/backends/database/sealed_key_internal.hpp>
#include <keyway/core/error.hpp>
#include <keyway/key/key_exporter.hpp>
#include <keyway/key/key_rewrapper.hpp>
#include <keyway/key/naming_backend_internal.hpp>
#include <keyway/key/observed_key_internal.hpp>
#include <keyway/key/paged_key_lister.hpp>
#include <keyway/key/private_key_file.hpp>
#include <keyway/key/software_key_internal.hpp>
#include <keyway/key/store_checker.hpp>

#include <botan/pk_keys.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace keyway {

namespace {

using database::Connection;

constexpr std::string_view type_name = "database";
constexpr std::size_t listing_page = 1000;

class DatabaseBackend final : public KeyBackend,
                              public KeyLister,
                              public PagedKeyLister,
                              public KeyRemover,
                              public KeyAdopter,
                              public KeyRewrapper,
                              public KeyExporter,
                              public StoreChecker,
                              public NewKeyChecker {
public:
    DatabaseBackend(const BackendAlias& name,
                    std::shared_ptr<const OptionTable> table,
                    OptionValues values,
                    const BackendContext& context)
        : KeyBackend(name, std::move(table), std::move(values)),
          secrets_(context.secrets),
          observer_(context.observer),
          clock_(context.clock),
          database_(configured_database(alias(), settings(), secrets_)),
          protection_(configured_cost(alias(), settings()), context.wrappers, database_->name()),
          capabilities_(BackendCapabilities::everything()) {}

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
            auto key = export_key(ref, options);
            const auto name = "key " + in_quotes(ref.locator().find("label").value_or("")) + " in database " + in_quotes(database_->name());
            return observed(std::move(key), alias().str(), name, observer_);
        });
    }

    std::unique_ptr<Botan::Private_Key> export_key(const KeyRef& ref, const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            auto connection = database_->open();
            const auto row = find(connection, ref);
            return opened(*connection, row, ref, values);
        });
    }

    std::optional<Error> check(const KeyRef& ref, const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                const auto values = completed(Phase::use, options);
                auto connection = database_->open();
                const auto row = find(connection, ref);
                if(values.has("passphrase") || settings().has("wrapping-key")) {
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
                auto connection = database_->open();
                if(!connection) {
                    throw Error(Errc::storage_failed,
                                "the database " + in_quotes(database_->name()) + " is not there yet",
                                "it is made when the first key is put into it");
                }
                require_writable(*connection, now());
                database_->require_room();
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    std::optional<Error> check_new(const KeySpec& spec, Phase phase, const OptionValues& options) const override {
        try {
            naming_backend(alias(), [&] {
                const auto values = completed(phase, options);
                require_offered(spec);
                static_cast<void>(new_label(values));
                const auto with = means(values);
                auto connection = database_->open();
                if(const auto records = connection ? find_key_encryption_keys(*connection) : KeyEncryptionKeyRecords();
                   records.active) {
                    static_cast<void>(protection_.open_for_new_keys(*records.active, with));
                } else {
                    static_cast<void>(protection_.make(with));
                }
            });
            return std::nullopt;
        } catch(const Error& error) {
            return error;
        }
    }

    KeyListing list(const OptionValues& options) const override {
        KeyListing listing;
        list_pages(options, [&](KeyListing page) {
            std::ranges::move(page.keys, std::back_inserter(listing.keys));
            std::ranges::move(page.faults, std::back_inserter(listing.faults));
        });
        return listing;
    }

    void list_pages(const OptionValues& options, const std::function<void(KeyListing page)>& take) const override {
        passing_errors_of(take, [&](const auto& hand_on) {
            naming_backend(alias(), [&] {
                static_cast<void>(completed(Phase::use, options));
                if(auto connection = database_->open()) {
                    for_each_page(*connection, listing_page, [&](const std::vector<KeyHeader>& headers) {
                        KeyListing page;
                        std::ranges::for_each(headers, [&](const auto& header) { add_to(page, header); });
                        hand_on(std::move(page));
                    });
                }
            });
        });
    }

    KeyListing list_label(const std::string& label, const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            static_cast<void>(completed(Phase::use, options));
            auto connection = database_->open();
            const auto row = connection ? find_key(*connection, label) : std::nullopt;
            KeyListing listing;
            if(row) {
                add_to(listing, row->header);
            }
            return listing;
        });
    }

    void remove(const KeyRef& ref, const OptionValues& options) override {
        naming_backend(alias(), [&] {
            static_cast<void>(completed(Phase::use, options));
            auto connection = database_->open();
            const auto row = find(connection, ref);
            if(!remove_key(*connection, row.header.label, row.header.spki_sha256)) {
                throw not_found(row.header.label);
            }
        });
    }

    KeyRef adopt(const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::adopt, options);
            const auto label = KeyLabel::of(values).str();
            auto connection = database_->open();
            const auto row = connection ? find_key(*connection, label) : std::nullopt;
            if(!row) {
                throw not_found(label);
            }
            auto ref = reference(row->header);
            require_signing(*opened(*connection, *row, ref, values));
            return ref;
        });
    }

    RewrapResult rewrap(const RewrapRequest& request, const OptionValues& options) override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            auto connection = database_->open_to_change(now());
            const auto records = connection ? find_key_encryption_keys(*connection) : KeyEncryptionKeyRecords();
            if(!records.active) {
                return RewrapResult{.is_empty = true};
            }
            RewrapResult result{.rewrapped = 0, .resumed = !records.replaced.empty()};
            const auto all_of = [&](const std::vector<Rotation>& rotations) {
                for(const auto& rotation : rotations) {
                    const auto outcome = carry_out(*connection, rotation, request);
                    if(outcome.damaged_label) {
                        throw damaged(*outcome.damaged_label);
                    }
                    result.rewrapped += outcome.rewrapped;
                }
            };
            if(result.resumed) {
                all_of(begun_rotations(records, request, values));
                result.resumed = !goes_on_to_wrapping_key(*records.active, request);
            }
            if(!result.resumed) {
                result.rewrapped = 0;
                all_of(new_rotation(*connection, *records.active, request, values));
            }
            return result;
        });
    }

    std::vector<WrappedBy> wrapped_by(const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            static_cast<void>(completed(Phase::use, options));
            auto connection = database_->open();
            return connection ? wrapping_keys_of(find_key_encryption_keys(*connection)) : std::vector<WrappedBy>{};
        });
    }

    std::uint64_t keys_to_rewrap(const RewrapRequest& request, const OptionValues& options) const override {
        return naming_backend(alias(), [&] {
            const auto values = completed(Phase::use, options);
            auto connection = database_->open();
            const auto records = connection ? find_key_encryption_keys(*connection) : KeyEncryptionKeyRecords();
            if(!records.active) {
                return std::uint64_t{0};
            }
            if(!records.replaced.empty()) {
                std::uint64_t keys = 0;
                for(const auto& rotation : begun_rotations(records, request, values)) {
                    keys += count_under(*connection, rotation.old_key.record.id);
                }
                // In the end, all keys go there.
                return goes_on_to_wrapping_key(*records.active, request) ? keys + count_under(*connection, records.active->id) : keys;
            }
            static_cast<void>(protection_.open(*records.active, means(values)));
            if(const auto after = new_means(request, values); after.wrapping_key()) {
                static_cast<void>(protection_.make(after));
            }
            return count_under(*connection, records.active->id);
        });
    }

    const BackendCapabilities& capabilities() const override { return capabilities_; }

private:
    void add_to(KeyListing& listing, const KeyHeader& header) const {
        try {
            listing.keys.push_back(
                {.ref = reference(header), .label = header.label, .attributes = {{"created", header.created}}});
        } catch(const Error& error) {
            listing.faults.push_back(error.in_backend(alias().str()));
        }
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

    /// What a call has to open the keys with.
    [[nodiscard]] Means means(const OptionValues& values) const {
        return {[this, values] { return read_passphrase(values); }, configured_wrapping_key(alias(), settings())};
    }

    /// What opens the keys after a rewrap.
    [[nodiscard]] Means new_means(const RewrapRequest& request, const OptionValues& values) const {
        if(request.new_passphrase && request.new_wrapping_key) {
            throw Error(Errc::invalid_argument, "a new passphrase and a new wrapping key contradict each other", "give one of them");
        }
        if(request.new_passphrase) {
            return {[&request] { return request.new_passphrase->clone(); }, std::nullopt};
        }
        if(request.new_wrapping_key) {
            require_another_backend(alias(), *request.new_wrapping_key);
            return {[this, values] { return read_passphrase(values); }, request.new_wrapping_key};
        }
        return means(values);
    }

    /// Whether what an earlier call has begun, under a passphrase, is not where the settings want the keys.
    [[nodiscard]] bool goes_on_to_wrapping_key(const KeyEncryptionKeyRecord& active, const RewrapRequest& request) const {
        return active.kind == KeyEncryptionKind::passphrase && !request.new_passphrase && !request.new_wrapping_key &&
               configured_wrapping_key(alias(), settings()).has_value();
    }

    /// What an earlier call has begun: from each key that is being replaced to the active one.
    [[nodiscard]] std::vector<Rotation> begun_rotations(const KeyEncryptionKeyRecords& records,
                                                        const RewrapRequest& request,
                                                        const OptionValues& values) const {
        // Under what they come to be was decided by the call that began.
        if(request.new_wrapping_key && records.active->kind != KeyEncryptionKind::wrapped) {
            throw Error(Errc::invalid_argument,
                        "an earlier rewrap of the database " + in_quotes(database_->name()) +
                            ", to a passphrase, has not ended; nothing was put under the wrapping key",
                        "end it without the new wrapping key, then rewrap again");
        }
        const auto new_key = protection_.open(*records.active, new_means(request, values));
        std::vector<Rotation> rotations;
        for(const auto& record : records.replaced) {
            rotations.push_back({unlock_replaced(record, new_key, database_->name()), new_key});
        }
        return rotations;
    }

    /// Makes a new key the active one.
    [[nodiscard]] std::vector<Rotation> new_rotation(Connection& connection,
                                                     const KeyEncryptionKeyRecord& active,
                                                     const RewrapRequest& request,
                                                     const OptionValues& values) const {
        const auto before = means(values);
        std::optional<Means> changed;
        if(request.new_passphrase || request.new_wrapping_key) {
            changed.emplace(new_means(request, values));
        }
        const auto& after = changed ? *changed : before;  // the same: a passphrase is asked for once
        Rotation rotation{protection_.open(active, before), protection_.make(after)};
        if(!begin_rotation(connection, rotation, now())) {
            throw Error(Errc::already_exists,
                        "somebody else has just begun to change the key-encryption key of the database " +
                            in_quotes(database_->name()),
                        "see whether that is done; what opens the keys now is what was given there");
        }
        protection_.keep(rotation.new_key, after);
        return {std::move(rotation)};
    }

    /// The label of a new key; whether it is free is asked before the work of making the key, and decided when it is
    /// added.
    [[nodiscard]] std::string new_label(const OptionValues& values) const {
        const auto label = KeyLabel::of(values);
        if(auto connection = database_->open(); connection && find_key(*connection, label.str())) {
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
        const auto with = means(values);
        for(;;) {
            auto connection = database_->open_to_change(header.created);
            const auto record = connection ? find_key_encryption_keys(*connection).active : std::nullopt;
            const auto key_encryption_key =
                record ? protection_.open_for_new_keys(*record, with) : protection_.make(with);
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
                protection_.keep(key_encryption_key, with);
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
            throw row_of_another_key(*label, database_->name(), row->header.spki_sha256, ref.fingerprint().to_string());
        }
        require_kind(ref, reference(row->header).key());
        return std::move(*row);
    }

    [[nodiscard]] std::unique_ptr<Botan::Private_Key> opened(Connection& connection,
                                                             KeyRow row,
                                                             const KeyRef& ref,
                                                             const OptionValues& values) const {
        auto records = find_key_encryption_keys(connection);
        const auto* record = records.find(row.key_encryption_key_id);
        if(record == nullptr) {
            // It may have been replaced since the row was read.
            if(auto again = find_key(connection, row.header.label);
               again && again->header.spki_sha256 == row.header.spki_sha256) {
                row = *std::move(again);
                records = find_key_encryption_keys(connection);
                record = records.find(row.key_encryption_key_id);
            }
        }
        if(record == nullptr) {
            throw damaged(row.header.label);
        }
        const auto info = unsealed_row(row, protection_.open(*record, records, means(values)));
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
        return no_such_row(label, database_->name(), alias().str());
    }

    [[nodiscard]] Error damaged(const std::string& label) const {
        return damaged_row(label, database_->name());
    }

    SecretReader secrets_;
    KeyUseObserver observer_;
    Clock clock_;
    std::unique_ptr<database::Database> database_;
    mutable KeyProtection protection_;
    BackendCapabilities capabilities_;
};

}  // namespace

BackendType database_backend() {
    return {.name = std::string(type_name),
            .title = "keys in a database, SQLite or PostgreSQL: encrypted one by one, under a passphrase or a key of another backend",
            .options = std::make_shared<const OptionTable>(database_options()),
            .open = [](const BackendAlias& alias,
                       std::shared_ptr<const OptionTable> table,
                       OptionValues settings, const BackendContext& context) -> std::unique_ptr<KeyBackend> {
                return std::make_unique<DatabaseBackend>(alias, std::move(table), std::move(settings), context);
            }};
}

}  // namespace keyway
