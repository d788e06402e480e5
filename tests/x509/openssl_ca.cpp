// SPDX-License-Identifier: BSD-2-Clause
#include "openssl_ca.hpp"

namespace keyway::test {

OpensslCa::OpensslCa(const TestAuthority& authority) {
    folder_.write("ca.key", private_key_pem(*authority.key));
    folder_.write("ca.pem", authority.certificate.PEM_encode());
}

void OpensslCa::write_config(const std::string& extensions) const {
    folder_.write("openssl.cnf", R"([ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
crlnumber = number
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = default
default_crl_days = 1
policy = anything
unique_subject = no
x509_extensions = extensions
crl_extensions = extensions
[anything]
[req]
string_mask = utf8only
utf8 = yes
distinguished_name = dn
[dn]
[extensions]
)" + extensions);
}

std::string OpensslCa::run_ca(const std::vector<std::string>& more, const Order& order) const {
    folder_.write("index.txt", "");
    folder_.write("serial", order.serial + "\n");
    std::vector<std::string> arguments{"ca",       "-config",       "openssl.cnf", "-batch",
                                       "-notext",  "-preserveDN",   "-startdate",  order.not_before,
                                       "-enddate", order.not_after, "-in",         "request.pem",
                                       "-out",     "out.pem"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    openssl(folder_, arguments);
    openssl(folder_, {"x509", "-in", "out.pem", "-outform", "DER", "-out", "out.der"});
    return folder_.read("out.der");
}

std::string OpensslCa::issue(const Botan::Private_Key& subject_key, const Order& order) const {
    write_config(order.extensions);
    folder_.write("subject.key", private_key_pem(subject_key));
    openssl(folder_, {"req", "-new", "-config", "openssl.cnf", "-key", "subject.key", "-utf8", "-subj",
                      order.subject, "-out", "request.pem"});
    return run_ca({}, order);
}

std::string OpensslCa::issue_root(const Order& order) const {
    write_config(order.extensions);
    openssl(folder_, {"req", "-new", "-config", "openssl.cnf", "-key", "ca.key", "-utf8", "-subj",
                      order.subject, "-out", "request.pem"});
    return run_ca({"-selfsign"}, order);
}

std::string OpensslCa::issue_crl(const std::string& index, const std::string& number,
                                 const std::string& last_update, const std::string& next_update,
                                 const std::string& extensions) const {
    write_config(extensions);
    folder_.write("index.txt", index);
    folder_.write("number", number + "\n");
    openssl(folder_, {"ca", "-config", "openssl.cnf", "-gencrl", "-crl_lastupdate", last_update,
                      "-crl_nextupdate", next_update, "-out", "out.pem"});
    openssl(folder_, {"crl", "-in", "out.pem", "-outform", "DER", "-out", "out.der"});
    return folder_.read("out.der");
}

}  // namespace keyway::test
