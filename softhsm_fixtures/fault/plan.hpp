// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "functions.hpp"

#include <p11-kit/pkcs11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pkcs11_fault {

/// A plan, a control line or an environment variable that cannot be used. The message names what is wrong and
/// lists what is known in its place.
class PlanError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Whether a fault comes instead of the real call or when the real call has run.
enum class Moment { before, after };

/// At which calls a fault comes. Calls of `functions` are counted together, from when the fault is added;
/// with `session` only those of that session count. Of `at`, `every` and `probability` at most one is used,
/// and never `at` with `from`; without them the fault comes at each call that the rest allows.
struct Trigger {
    FunctionSet functions;                ///< never empty
    std::vector<std::uint64_t> at;        ///< call numbers from 1, sorted, each once
    std::uint64_t every = 0;              ///< calls whose number it divides; 0: not used
    std::optional<double> probability;    ///< 0 to 1, decided by the plan's seed and the call's number
    std::uint64_t from = 1;               ///< calls before this number are left alone
    std::optional<std::uint64_t> times;   ///< so often and no more
    std::optional<std::uint64_t> session; ///< only in the nth one opened since C_Initialize, from 1
    bool per_session = false;             ///< count the calls of each session apart
    Moment moment = Moment::before;       ///< what the fault cannot do was refused by the parser
    bool operator==(const Trigger&) const = default;
};

/// How long a slow call takes more.
struct Delay {
    enum class Shape { fixed, uniform, normal, exponential };
    Shape shape = Shape::fixed;
    double first = 0;  ///< milliseconds: fixed: the delay; uniform: least; normal, exponential: mean
    double second = 0; ///< milliseconds: uniform: most; normal: standard deviation
    bool operator==(const Delay&) const = default;
};

/// Whose PIN.
enum class PinOwner { user, security_officer };

// ---- faults that come at calls: each has a Trigger ----

/// "return": the call answers `value`; with Moment::after the real call has run, and its answer is lost.
struct ReturnValue {
    CK_RV value = CKR_DEVICE_ERROR;
    bool operator==(const ReturnValue&) const = default;
};

/// "session-lost": the session of the call, or every session of its slot, is gone; the call answers `value`,
/// or its own answer when that is CKR_OK, which goes with Moment::after only. Comes at functions that take a
/// session.
struct SessionLost {
    bool all = false;
    CK_RV value = CKR_SESSION_HANDLE_INVALID;
    bool operator==(const SessionLost&) const = default;
};

/// "logged-out": the login is gone, sessions stay. The call goes on and meets what a token says then.
struct LoggedOut {
    bool operator==(const LoggedOut&) const = default;
};

/// "handles-renumbered": every object handle given out so far is stale. With `reused`, the old numbers belong
/// to other objects now; otherwise they belong to none.
struct HandlesRenumbered {
    bool reused = false;
    bool operator==(const HandlesRenumbered&) const = default;
};

/// "key-swapped": from now on the key found as label/id is the key labelled `with`, under the old label and
/// id. `stale`: handles given out before are no longer valid; otherwise they are the other key's too.
struct KeySwapped {
    std::optional<std::string> label;            ///< of the key that is replaced
    std::optional<std::vector<std::uint8_t>> id; ///< of the key that is replaced; at least one of both
    std::string with;                            ///< label of the key that takes its place
    bool stale = false;
    bool operator==(const KeySwapped&) const = default;
};

/// "device-removed": the token is gone, with sessions and login, and comes back after `milliseconds`; never
/// without. The call answers `value`, CKR_OK as for SessionLost. Comes at functions that take a slot or a
/// session.
struct DeviceRemoved {
    std::optional<double> milliseconds;
    CK_RV value = CKR_DEVICE_REMOVED;
    bool operator==(const DeviceRemoved&) const = default;
};

/// "slot-renumbered": the slot has another number from now on. Comes at functions that take a slot or a
/// session.
struct SlotRenumbered {
    bool operator==(const SlotRenumbered&) const = default;
};

/// "pin-rejected": C_Login or C_LoginUser answers CKR_PIN_INCORRECT and does not ask the token.
struct PinRejected {
    std::optional<PinOwner> owner;
    bool operator==(const PinRejected&) const = default;
};

/// "slow"
struct Slow {
    Delay delay;
    bool operator==(const Slow&) const = default;
};

/// "hang": the call does not come back before `milliseconds` or the control line {"release": "hangs"}.
struct Hang {
    double milliseconds = 60000;
    bool operator==(const Hang&) const = default;
};

/// "short-signature": the signature is `bytes` shorter; below 0, longer. Never 0. Comes after C_Sign,
/// C_SignFinal, C_SignMessage and C_SignMessageNext only.
struct WrongLengthSignature {
    int bytes = 1;
    bool operator==(const WrongLengthSignature&) const = default;
};

/// "corrupt-signature": one bit of the signature is wrong. Comes after the same functions as
/// "short-signature".
struct CorruptSignature {
    bool operator==(const CorruptSignature&) const = default;
};

// ---- faults that stand: they hold from when they are read until they are cleared ----
//
// Several of one kind add up; but of "pin-pad", "session-cap", "idle-timeout", "second-initialize-refused"
// and "fork-detection" the latest holds.

/// "pin-state": the flags of CK_TOKEN_INFO, and C_Login answers CKR_PIN_LOCKED when locked.
struct PinState {
    enum class State { count_low, final_try, locked };
    PinOwner owner = PinOwner::user;
    State state = State::final_try;
    bool operator==(const PinState&) const = default;
};

/// "pin-tries": the token locks a PIN after so many wrong ones in a row, with the flags on the way there.
struct PinTries {
    PinOwner owner = PinOwner::user;
    std::uint64_t tries = 3;
    bool operator==(const PinTries&) const = default;
};

/// "pin-pad": CKF_PROTECTED_AUTHENTICATION_PATH; C_Login without a PIN takes the one in `pin_file`, one with
/// a PIN is refused when `only`.
struct PinPad {
    std::string pin_file;
    bool only = false;
    bool operator==(const PinPad&) const = default;
};

/// "session-cap": C_OpenSession answers CKR_SESSION_COUNT beyond `sessions`; CK_TOKEN_INFO says so when
/// `announced`.
struct SessionCap {
    std::uint64_t sessions = 16;
    bool announced = true;
    bool operator==(const SessionCap&) const = default;
};

/// "idle-timeout": a session unused for so long is lost.
struct IdleTimeout {
    double milliseconds = 30000;
    CK_RV value = CKR_SESSION_HANDLE_INVALID;
    bool operator==(const IdleTimeout&) const = default;
};

/// "read-only-token": CKF_WRITE_PROTECTED, no read/write sessions, nothing made.
struct ReadOnlyToken {
    bool operator==(const ReadOnlyToken&) const = default;
};

/// "mechanisms-hidden"
struct MechanismsHidden {
    std::vector<CK_MECHANISM_TYPE> mechanisms;
    bool only = false; ///< hide all but these
    bool operator==(const MechanismsHidden&) const = default;
};

/// "ec-point-raw": CKA_EC_POINT is given without its OCTET STRING.
struct EcPointRaw {
    bool operator==(const EcPointRaw&) const = default;
};

/// "attributes-withheld": C_GetAttributeValue answers CKR_ATTRIBUTE_TYPE_INVALID, or CKR_ATTRIBUTE_SENSITIVE.
struct AttributesWithheld {
    std::vector<CK_ATTRIBUTE_TYPE> attributes;
    std::vector<CK_OBJECT_CLASS> classes; ///< empty: of every object
    bool sensitive = false;
    bool operator==(const AttributesWithheld&) const = default;
};

/// "data-limit": more than so many bytes in one call are refused with CKR_DATA_LEN_RANGE.
struct DataLimit {
    std::uint64_t bytes = 16384;
    FunctionSet functions; ///< of those that take data; default: C_Sign and C_SignUpdate
    bool operator==(const DataLimit&) const = default;
};

/// "interface-2.40": C_GetInterface and C_GetInterfaceList know PKCS#11 2.40 only.
struct OldInterface {
    bool operator==(const OldInterface&) const = default;
};

/// "second-initialize-refused": once finalised, the module cannot be initialised again in this process.
struct SecondInitializeRefused {
    CK_RV value = CKR_GENERAL_ERROR;
    bool operator==(const SecondInitializeRefused&) const = default;
};

/// "fork-detection": in a forked child every call answers `value` until the child calls C_Initialize.
struct ForkDetection {
    CK_RV value = CKR_CRYPTOKI_NOT_INITIALIZED;
    bool operator==(const ForkDetection&) const = default;
};

using CallFault =
    std::variant<ReturnValue, SessionLost, LoggedOut, HandlesRenumbered, KeySwapped, DeviceRemoved,
                 SlotRenumbered, PinRejected, Slow, Hang, WrongLengthSignature, CorruptSignature>;
using StandingFault = std::variant<PinState, PinTries, PinPad, SessionCap, IdleTimeout, ReadOnlyToken,
                                   MechanismsHidden, EcPointRaw, AttributesWithheld, DataLimit, OldInterface,
                                   SecondInitializeRefused, ForkDetection>;

/// One fault of a plan.
struct Fault {
    std::string name; ///< as in the plan: "return", "slow", ...
    /// Of a CallFault: always, when it is from a plan or a profile. From a control line that says nothing
    /// about when it comes there is none: it comes once, before the next call of any function; but a fault
    /// that can come at some functions only has a trigger with those and `times` 1 instead.
    std::optional<Trigger> trigger;
    std::variant<CallFault, StandingFault> what;
    bool operator==(const Fault&) const = default;
};

/// One line of the control file.
struct Command {
    enum class Kind {
        add,            ///< {"fault": "name", ...}, also several: {"faults": [...]}, {"profile": "name"}
        clear,          ///< {"clear": "<name of a fault>" | "all"}
        release_hangs,  ///< {"release": "hangs"}
        insert_device,  ///< {"insert": "device"}: a removed device is back
        reset_counters, ///< {"reset": "counters"}
    };
    Kind kind = Kind::add;
    std::vector<Fault> faults; ///< to add
    std::string cleared;       ///< the name, or "all"
    bool operator==(const Command&) const = default;
};

/// All that the module was told before it was loaded.
struct Plan {
    std::string module;                        ///< path of the real one
    std::optional<std::string> init_arguments; ///< handed to the real C_Initialize as pReserved
    std::uint64_t seed = 1;
    std::optional<std::string> log;      ///< path; JSON lines are appended
    std::optional<std::string> counters; ///< path; made, and shared by all processes that name it
    std::optional<std::string> control;  ///< path; read anew whenever it has grown
    std::vector<Fault> faults;           ///< of profiles first, in the order given
    bool operator==(const Plan&) const = default;
};

/// Reads the variables PKCS11_FAULT_MODULE, _PLAN (a path, or JSON in braces), _PROFILE (names, separated by
/// commas), PKCS11_FAULT (short form: `return function=C_Sign rv=CKR_DEVICE_ERROR at=3; slow ms=10`), _SEED,
/// _LOG, _COUNTERS, _CONTROL, _INIT_ARGS. A variable overrides the plan's member; faults add up: those of
/// _PROFILE, of the plan's profiles, of the plan, of PKCS11_FAULT. An empty variable counts as none. Paths
/// come out absolute: those of a plan file are relative to its folder, all others to the current one; a
/// module without a slash stays for the dynamic linker.
///
/// @throws PlanError for anything unknown, with the list of what is known; nothing was loaded then
[[nodiscard]] Plan plan_from_environment();

/// Environment variables, names and values.
using Variables = std::vector<std::pair<std::string, std::string>>;

/// As plan_from_environment(), from variables that are given. Others than PKCS11_FAULT and PKCS11_FAULT_* are
/// passed over.
///
/// @throws PlanError
[[nodiscard]] Plan plan_from_variables(const Variables& variables);

/// A plan in a file: relative paths in it are relative to the file's folder.
///
/// @throws PlanError
[[nodiscard]] Plan read_plan(const std::string& path);

/// Relative paths are relative to the current folder. The module may be missing: a variable may name it.
///
/// @throws PlanError
[[nodiscard]] Plan parse_plan(std::string_view json);

/// Each fault in words, or in JSON when it begins with a brace.
///
/// @throws PlanError
[[nodiscard]] std::vector<Fault> parse_short_form(std::string_view text);

/// A line of the control file: in JSON, or faults in the short form. Relative paths are relative to the current folder.
///
/// @throws PlanError
[[nodiscard]] Command parse_command(std::string_view line);

/// A profile that comes with the kit.
struct ProfileInfo {
    std::string name;
    std::string summary;
    std::string json; ///< the whole file
};
[[nodiscard]] const std::vector<ProfileInfo>& known_profiles();

/// For people at a terminal: each fault with what it does, its members with types and defaults, and an
/// example; then the members that say when a fault comes.
[[nodiscard]] std::string describe_faults();

} // namespace pkcs11_fault
