// SPDX-License-Identifier: BSD-2-Clause
#include "plan_schema.hpp"

namespace pkcs11_fault {
namespace {

using Built = std::variant<CallFault, StandingFault>;
using Moments = FaultDescription::Moments;

[[nodiscard]] Built call(CallFault fault) { return fault; }
[[nodiscard]] Built standing(StandingFault fault) { return fault; }

constexpr Member trigger_table[] = {
    {"function", Type::functions, "the functions that it comes at; their calls are counted together"},
    {"at", Type::call_numbers, "the numbers of the calls that it comes at, from 1"},
    {"every", Type::count, "it comes at the calls whose number this divides"},
    {"probability", Type::probability, "how likely at each call; seed and call number decide"},
    {"from", Type::count, "calls before this number are left alone", "1"},
    {"times", Type::count, "it comes so often and no more"},
    {"session", Type::count, "only in the nth session that is opened after C_Initialize, from 1"},
    {"count", Type::counting, "whether calls are counted all in one, or for each session apart", "\"all\""},
    {"when", Type::moment, "instead of the real call (the usual, where both are possible), or when it has run"},
};

constexpr Member return_members[] = {
    {"rv", Type::return_value, "what the call answers", "\"CKR_DEVICE_ERROR\""},
};
constexpr Member session_lost_members[] = {
    {"sessions", Type::scope, "the session of the call, or every session of its slot", "\"one\""},
    {"rv", Type::return_value, "what the call answers", "\"CKR_SESSION_HANDLE_INVALID\""},
};
constexpr Member handles_renumbered_members[] = {
    {"reused", Type::boolean, "whether the old numbers belong to other objects now, or to none", "false"},
};
constexpr Member key_swapped_members[] = {
    {"label", Type::text, "label of the key that is replaced; give this, id or both"},
    {"id", Type::hexadecimal, "CKA_ID of the key that is replaced"},
    {"with", Type::text, "label of the key that takes its place", {}, true},
    {"stale", Type::boolean, "whether handles given out before are invalid, or the other key's too", "false"},
};
constexpr Member device_removed_members[] = {
    {"ms", Type::milliseconds,
     "it comes back after so long; without, only by the control line {\"insert\": \"device\"}"},
    {"rv", Type::return_value, "what the call answers", "\"CKR_DEVICE_REMOVED\""},
};
constexpr Member pin_rejected_members[] = {
    {"owner", Type::pin_owner, "whose PIN; without, everyone's"},
};
constexpr Member slow_members[] = {
    {"ms", Type::delay, "how much longer the call takes", {}, true},
};
constexpr Member hang_members[] = {
    {"ms", Type::milliseconds, "how long, unless the control line {\"release\": \"hangs\"} comes", "60000"},
};
constexpr Member short_signature_members[] = {
    {"bytes", Type::bytes_less, "how much shorter; below 0: longer", "1"},
};
constexpr Member pin_state_members[] = {
    {"owner", Type::pin_owner, "whose PIN", "\"user\""},
    {"state", Type::pin_state, "which flags are set", "\"final-try\""},
};
constexpr Member pin_tries_members[] = {
    {"owner", Type::pin_owner, "whose PIN", "\"user\""},
    {"tries", Type::count, "so many wrong ones in a row lock it", "3"},
};
constexpr Member pin_pad_members[] = {
    {"pin_file", Type::path, "file that holds the PIN, as if it were typed in", {}, true},
    {"only", Type::boolean, "whether a PIN given to C_Login is refused", "false"},
};
constexpr Member session_cap_members[] = {
    {"sessions", Type::count, "how many may be open", "16"},
    {"announced", Type::boolean, "whether CK_TOKEN_INFO says so", "true"},
};
constexpr Member idle_timeout_members[] = {
    {"ms", Type::milliseconds, "how long a session may be unused", "30000"},
    {"rv", Type::return_value, "what the next call with it answers", "\"CKR_SESSION_HANDLE_INVALID\""},
};
constexpr Member mechanisms_hidden_members[] = {
    {"mechanisms", Type::mechanisms, "which", {}, true},
    {"only", Type::boolean, "hide all but these", "false"},
};
constexpr Member attributes_withheld_members[] = {
    {"attributes", Type::attributes, "which", {}, true},
    {"classes", Type::object_classes, "of objects of these classes; without, of every object"},
    {"sensitive", Type::boolean, "answer CKR_ATTRIBUTE_SENSITIVE, not CKR_ATTRIBUTE_TYPE_INVALID", "false"},
};
constexpr Member data_limit_members[] = {
    {"bytes", Type::count, "so many are still taken in one call", "16384"},
    {"function", Type::functions, "by which functions", R"(["C_Sign", "C_SignUpdate"])"},
};
constexpr Member second_initialize_members[] = {
    {"rv", Type::return_value, "what C_Initialize answers", "\"CKR_GENERAL_ERROR\""},
};
constexpr Member fork_members[] = {
    {"rv", Type::return_value, "what each call in the child answers", "\"CKR_CRYPTOKI_NOT_INITIALIZED\""},
};

/// CKR_OK would hide that anything happened.
[[nodiscard]] CK_RV failure(const Members& members) {
    const auto value = members.return_value("rv");
    if (value == CKR_OK) {
        members.refuse("rv", "CKR_OK is no failure: name another");
    }
    return value;
}

/// CKR_OK is a fair answer of a call that has run: the next one meets the loss.
[[nodiscard]] CK_RV failure_unless_after(const Members& members) {
    const auto value = members.return_value("rv");
    if (value == CKR_OK && !(members.has("when") && members.moment("when") == Moment::after)) {
        members.refuse("rv", R"(CKR_OK is possible with "when": "after" only)");
    }
    return value;
}

[[nodiscard]] Built build_key_swapped(const Members& members) {
    if (!members.has("label") && !members.has("id")) {
        members.refuse("give \"label\" or \"id\" of the key that is replaced");
    }
    KeySwapped fault;
    if (members.has("label")) {
        fault.label = members.text("label");
    }
    if (members.has("id")) {
        fault.id = members.hexadecimal("id");
    }
    fault.with = members.text("with");
    fault.stale = members.boolean("stale");
    return call(fault);
}

[[nodiscard]] Built build_device_removed(const Members& members) {
    DeviceRemoved fault;
    if (members.has("ms")) {
        fault.milliseconds = members.milliseconds("ms");
    }
    fault.value = failure_unless_after(members);
    return call(fault);
}

[[nodiscard]] Built build_pin_rejected(const Members& members) {
    return call(PinRejected{members.has("owner") ? std::optional(members.pin_owner("owner")) : std::nullopt});
}

[[nodiscard]] Built build_attributes_withheld(const Members& members) {
    AttributesWithheld fault;
    fault.attributes = members.numbers("attributes", Type::attributes);
    if (members.has("classes")) {
        fault.classes = members.numbers("classes", Type::object_classes);
    }
    fault.sensitive = members.boolean("sensitive");
    return standing(fault);
}

[[nodiscard]] Built build_data_limit(const Members& members) {
    return standing(DataLimit{members.count("bytes"), members.functions("function", FunctionGroup::data)});
}

const FaultDescription fault_table[] = {
    {.name = "return",
     .meaning = "the call answers rv; with \"when\": \"after\" the real call has run, and its answer is lost",
     .example = R"({"fault": "return", "function": "C_Sign", "rv": "CKR_DEVICE_ERROR", "at": 3})",
     .members = return_members,
     .build = [](const Members& members) { return call(ReturnValue{members.return_value("rv")}); },
     .comes_at_calls = true},
    {.name = "session-lost",
     .meaning = "the session is gone, and the call answers rv; when after, CKR_OK stands for its own answer",
     .example = R"({"fault": "session-lost", "function": "C_Sign", "at": 2, "sessions": "all"})",
     .members = session_lost_members,
     .build = [](const Members& members) {
         return call(SessionLost{members.all_of_scope("sessions"), failure_unless_after(members)});
     },
     .comes_at_calls = true,
     .changes_state = true,
     .usual = FunctionGroup::with_session,
     .allowed = FunctionGroup::with_session},
    {.name = "logged-out",
     .meaning = "the login is gone and sessions stay; the call goes on and meets what a token says then",
     .example = R"({"fault": "logged-out", "function": "C_SignInit", "at": [2, 5]})",
     .build = [](const Members&) { return call(LoggedOut{}); },
     .comes_at_calls = true,
     .changes_state = true,
     .usual = FunctionGroup::with_session,
     .allowed = FunctionGroup::with_session},
    {.name = "handles-renumbered",
     .meaning = "every object handle given out so far is stale",
     .example = R"({"fault": "handles-renumbered", "function": "C_SignInit", "at": 2, "reused": true})",
     .members = handles_renumbered_members,
     .build = [](const Members& members) { return call(HandlesRenumbered{members.boolean("reused")}); },
     .comes_at_calls = true,
     .changes_state = true,
     .usual = FunctionGroup::with_session,
     .allowed = FunctionGroup::with_session},
    {.name = "key-swapped",
     .meaning = "from now on, who looks for the key of this label or id finds the one labelled \"with\", under "
                "the old label and id",
     .example = R"({"fault": "key-swapped", "function": "C_SignInit", "at": 2, "label": "a", "with": "b"})",
     .members = key_swapped_members,
     .build = build_key_swapped,
     .comes_at_calls = true,
     .changes_state = true,
     .usual = FunctionGroup::with_session,
     .allowed = FunctionGroup::with_session},
    {.name = "device-removed",
     .meaning = "the token is gone, with sessions and login, and the call answers rv; when after, CKR_OK stands "
                "for its own answer",
     .example = R"({"fault": "device-removed", "function": "C_Sign", "at": 4, "ms": 500})",
     .members = device_removed_members,
     .build = build_device_removed,
     .comes_at_calls = true,
     .changes_state = true,
     .usual = FunctionGroup::with_slot_or_session,
     .allowed = FunctionGroup::with_slot_or_session},
    {.name = "slot-renumbered",
     .meaning = "the slot has another number from now on",
     .example = R"({"fault": "slot-renumbered", "function": "C_OpenSession", "at": 2})",
     .build = [](const Members&) { return call(SlotRenumbered{}); },
     .comes_at_calls = true,
     .changes_state = true,
     .usual = FunctionGroup::with_slot_or_session,
     .allowed = FunctionGroup::with_slot_or_session},
    {.name = "pin-rejected",
     .meaning = "the login answers CKR_PIN_INCORRECT and does not ask the token",
     .example = R"({"fault": "pin-rejected", "owner": "user", "times": 1})",
     .members = pin_rejected_members,
     .build = build_pin_rejected,
     .comes_at_calls = true,
     .moments = Moments::only_before,
     .usual = FunctionGroup::login,
     .allowed = FunctionGroup::login},
    {.name = "slow",
     .meaning = "the call takes longer, before the real one or when it has run",
     .example = R"({"fault": "slow", "function": ["C_Sign", "C_SignFinal"], "ms": {"normal": [30, 5]}})",
     .members = slow_members,
     .build = [](const Members& members) { return call(Slow{members.delay("ms")}); },
     .comes_at_calls = true,
     .usual = FunctionGroup::all},
    {.name = "hang",
     .meaning = "the call does not come back for long, then goes on",
     .example = R"({"fault": "hang", "function": "C_Sign", "at": 1, "ms": 5000})",
     .members = hang_members,
     .build = [](const Members& members) { return call(Hang{members.milliseconds("ms")}); },
     .comes_at_calls = true},
    {.name = "short-signature",
     .meaning = "the signature has another length than it should have",
     .example = R"({"fault": "short-signature", "bytes": 2, "every": 10})",
     .members = short_signature_members,
     .build = [](const Members& members) { return call(WrongLengthSignature{members.bytes_less("bytes")}); },
     .comes_at_calls = true,
     .moments = Moments::only_after,
     .usual = FunctionGroup::signing,
     .allowed = FunctionGroup::signing},
    {.name = "corrupt-signature",
     .meaning = "one bit of the signature is wrong",
     .example = R"({"fault": "corrupt-signature", "probability": 0.01, "from": 100})",
     .build = [](const Members&) { return call(CorruptSignature{}); },
     .comes_at_calls = true,
     .moments = Moments::only_after,
     .usual = FunctionGroup::signing,
     .allowed = FunctionGroup::signing},
    {.name = "pin-state",
     .meaning = "the PIN flags of CK_TOKEN_INFO; when locked, C_Login answers CKR_PIN_LOCKED",
     .example = R"({"fault": "pin-state", "owner": "so", "state": "locked"})",
     .members = pin_state_members,
     .build = [](const Members& members) {
         return standing(PinState{members.pin_owner("owner"), members.pin_state("state")});
     }},
    {.name = "pin-tries",
     .meaning = "wrong PINs in a row lock the PIN, with the flags of CK_TOKEN_INFO on the way there",
     .example = R"({"fault": "pin-tries", "owner": "user", "tries": 3})",
     .members = pin_tries_members,
     .build = [](const Members& members) {
         return standing(PinTries{members.pin_owner("owner"), members.count("tries")});
     }},
    {.name = "pin-pad",
     .meaning = "CKF_PROTECTED_AUTHENTICATION_PATH; C_Login without a PIN takes that in pin_file",
     .example = R"({"fault": "pin-pad", "pin_file": "typed-in.txt", "only": true})",
     .members = pin_pad_members,
     .build = [](const Members& members) {
         return standing(PinPad{members.path("pin_file"), members.boolean("only")});
     }},
    {.name = "session-cap",
     .meaning = "C_OpenSession answers CKR_SESSION_COUNT when so many sessions are open",
     .example = R"({"fault": "session-cap", "sessions": 16, "announced": false})",
     .members = session_cap_members,
     .build = [](const Members& members) {
         return standing(SessionCap{members.count("sessions"), members.boolean("announced")});
     }},
    {.name = "idle-timeout",
     .meaning = "a session that is not used for so long is lost",
     .example = R"({"fault": "idle-timeout", "ms": 200, "rv": "CKR_SESSION_CLOSED"})",
     .members = idle_timeout_members,
     .build = [](const Members& members) {
         return standing(IdleTimeout{members.milliseconds("ms"), failure(members)});
     }},
    {.name = "read-only-token",
     .meaning = "CKF_WRITE_PROTECTED: no read/write sessions, nothing is made, changed or removed",
     .example = R"({"fault": "read-only-token"})",
     .build = [](const Members&) { return standing(ReadOnlyToken{}); }},
    {.name = "mechanisms-hidden",
     .meaning = "the token neither lists these mechanisms nor takes them",
     .example = R"({"fault": "mechanisms-hidden", "mechanisms": ["CKM_RSA_PKCS", "CKM_ECDSA"]})",
     .members = mechanisms_hidden_members,
     .build = [](const Members& members) {
         return standing(
             MechanismsHidden{members.numbers("mechanisms", Type::mechanisms), members.boolean("only")});
     }},
    {.name = "ec-point-raw",
     .meaning = "CKA_EC_POINT is given without its OCTET STRING",
     .example = R"({"fault": "ec-point-raw"})",
     .build = [](const Members&) { return standing(EcPointRaw{}); }},
    {.name = "attributes-withheld",
     .meaning = "C_GetAttributeValue does not give these attributes",
     .example = R"({"fault": "attributes-withheld", "attributes": "CKA_ID", "classes": "CKO_CERTIFICATE"})",
     .members = attributes_withheld_members,
     .build = build_attributes_withheld},
    {.name = "data-limit",
     .meaning = "more than so many bytes in one call are refused with CKR_DATA_LEN_RANGE",
     .example = R"({"fault": "data-limit", "bytes": 1024, "function": "C_Sign"})",
     .members = data_limit_members,
     .build = build_data_limit},
    {.name = "interface-2.40",
     .meaning = "C_GetInterface and C_GetInterfaceList know PKCS#11 2.40 only",
     .example = R"({"fault": "interface-2.40"})",
     .build = [](const Members&) { return standing(OldInterface{}); }},
    {.name = "second-initialize-refused",
     .meaning = "once finalised, the module cannot be initialised again in this process",
     .example = R"({"fault": "second-initialize-refused", "rv": "CKR_FUNCTION_FAILED"})",
     .members = second_initialize_members,
     .build = [](const Members& members) { return standing(SecondInitializeRefused{failure(members)}); }},
    {.name = "fork-detection",
     .meaning = "in a forked child every call answers rv until the child calls C_Initialize",
     .example = R"({"fault": "fork-detection", "rv": "CKR_DEVICE_ERROR"})",
     .members = fork_members,
     .build = [](const Members& members) { return standing(ForkDetection{failure(members)}); }},
};

constexpr Member plan_table[] = {
    {"module", Type::module_path, "the module to stand in front of"},
    {"init_arguments", Type::text, "handed to its C_Initialize as pReserved"},
    {"profile", Type::names, "profiles whose faults come first"},
    {"seed", Type::seed, "of all that is left to chance", "1"},
    {"log", Type::path, "file that a JSON line is added to at each call"},
    {"counters", Type::path, "file that counts the calls of all processes that name it"},
    {"control", Type::path, "file whose lines steer the module while it runs"},
    {"faults", Type::faults, "what goes wrong"},
};

constexpr Member profile_table[] = {
    {"name", Type::text, "as in a plan", {}, true},
    {"summary", Type::text, "one line", {}, true},
    {"vendor", Type::text, "whose published behaviour it follows", {}, true},
    {"lines", Type::lines, "the faults, each with why and source", {}, true},
};

constexpr Member profile_line_table[] = {
    {"fault", Type::fault, "as in a plan", {}, true},
    {"why", Type::text, "what the product does", {}, true},
    {"source", Type::text, "where that is published", {}, true},
};

} // namespace

std::span<const FaultDescription> fault_descriptions() { return fault_table; }
std::span<const Member> trigger_members() { return trigger_table; }
std::span<const Member> plan_members() { return plan_table; }
std::span<const Member> profile_members() { return profile_table; }
std::span<const Member> profile_line_members() { return profile_line_table; }

std::vector<std::string_view> fault_names() {
    std::vector<std::string_view> names;
    for (const auto& description : fault_table) {
        names.push_back(description.name);
    }
    return names;
}

} // namespace pkcs11_fault
